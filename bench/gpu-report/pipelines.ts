/** What is measured: every pipeline of a frame as the engine would run it on an adapter of that kind. */

import { kernelsFor } from '../../src/engine/choose.ts';
import type { EngineDtype } from '../../src/engine/options.ts';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { FORMS, type Form } from '../../src/face/forms.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { pipelineKey, specialise } from '../../src/kernels/kernel.ts';
import { network } from '../../src/model/network.ts';
import { alternativesTo, type Candidate } from '../../src/tune/candidates.ts';

export interface Pipeline {
  /** Kernel, machine shape and constants: the name of the pipeline in records. */
  readonly key: string;
  readonly kernel: string;
  readonly wgsl: string;
  /** Dispatches of a frame that run it, and their multiply-adds, in the first form and element type that has it. */
  readonly dispatches: number;
  readonly macs: number;
}

export const DTYPES: readonly EngineDtype[] = ['f32', 'f16'];

export interface Wanted {
  readonly forms?: readonly Form[];
  readonly dtypes?: readonly EngineDtype[];
  /** The encoder, by its name; Swin-B unless told otherwise. */
  readonly encoder?: string;
  /** Instead of what runs, all that the tuner may choose for it. */
  readonly candidates?: boolean;
}

/** Each once, with all tasks of the forms, those of the first element type first and of each that with most multiply-adds. */
export async function pipelinesOf({ vendor }: { vendor: string }, wanted: Wanted = {}): Promise<Pipeline[]> {
  const { forms = FORMS, dtypes = DTYPES, encoder, candidates = false } = wanted;
  const kernels = kernelsFor({ vendor });
  const all = new Map<string, Pipeline>();
  for (const dtype of dtypes) {
    const ofDtype: Pipeline[] = [];
    for (const form of forms) {
      const config = readConfig(tensorsOf(form, { backbone: encoder }));
      const outputs = outputsOf(tasksOf(config), false);
      const { dispatches } = makePlan(network(config, { kernels, dtype }), outputs);
      const ways = candidates ? dispatches.flatMap((one) => alternativesTo(one)?.candidates ?? []) : dispatches;
      ofDtype.push(...distinct(ways).filter(({ key }) => !ofDtype.some((known) => known.key === key)));
    }
    ofDtype.sort((a, b) => b.macs - a.macs || a.key.localeCompare(b.key));
    for (const pipeline of ofDtype) if (!all.has(pipeline.key)) all.set(pipeline.key, pipeline);
  }
  return [...all.values()];
}

/** The pipelines of a frame's dispatches, each with its dispatches counted. */
function distinct(dispatches: readonly Pick<Candidate, 'kernel' | 'launch'>[]): Pipeline[] {
  const found = new Map<string, Pipeline>();
  for (const { kernel, launch } of dispatches) {
    const key = pipelineKey(kernel, launch);
    const { dispatches: runs = 0, macs = 0 } = found.get(key) ?? {};
    found.set(key, { key, kernel: kernel.name, wgsl: specialise(kernel, launch), dispatches: runs + 1, macs: macs + launch.macs });
  }
  return [...found.values()];
}
