/** What is measured: every pipeline of a frame as the engine would run it on an adapter of that kind. */
import { FORMS, type Form, tensorsOf } from '../../src/checkpoint/manifest.ts';
import { pipelineKey } from '../../src/gpu/pipelines.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { alternativesTo } from '../../src/kernels/candidates.ts';
import { specialise } from '../../src/kernels/kernel.ts';
import { kernelsFor } from '../../src/model/choose.ts';
import { tasksOf } from '../../src/model/config.ts';
import { readConfig } from '../../src/model/forms.ts';
import { fused } from '../../src/model/fused/fused.ts';
import { network } from '../../src/model/network.ts';

/** The part of a `GPUAdapterInfo` that the choice of kernels may depend on. */
export interface AdapterProfile {
  readonly vendor: string;
  readonly architecture: string;
}

export interface Pipeline {
  /** Kernel, machine shape and constants: the name of the pipeline in records. */
  readonly key: string;
  readonly kernel: string;
  readonly wgsl: string;
  /** Dispatches of a frame that run it, and their multiply-adds, in the first of the forms that has it. */
  readonly dispatches: number;
  readonly macs: number;
}

/** What the tuner takes subgroups to be: the one size that GPUs with a fixed one have. */
const LANES = 32;

/**
 * Each once, with all tasks of the forms, the one with most multiply-adds first.
 * @param candidates instead of what runs, all that the tuner may choose for it
 */
export async function pipelinesOf(profile: AdapterProfile, forms: readonly Form[] = FORMS, candidates = false): Promise<Pipeline[]> {
  const lowering = fused(await kernelsFor(profile));
  const all = new Map<string, Pipeline>();
  for (const form of forms) {
    const config = readConfig(tensorsOf(form));
    const outputs = tasksOf(config).map((task) => (task === 'segmentation' ? 'mask' : task));
    const ofForm = new Map<string, Pipeline>();
    const { dispatches } = makePlan(network(config, { lowering }), outputs);
    const ways = candidates ? dispatches.flatMap((one) => alternativesTo(one, LANES)?.candidates ?? []) : dispatches;
    for (const { kernel, launch } of ways) {
      const key = pipelineKey(kernel, launch);
      const { dispatches: runs = 0, macs = 0 } = ofForm.get(key) ?? {};
      const made = { key, kernel: kernel.name, wgsl: specialise(kernel, launch) };
      ofForm.set(key, { ...made, dispatches: runs + 1, macs: macs + launch.macs });
    }
    for (const [key, pipeline] of ofForm) if (!all.has(key)) all.set(key, pipeline);
  }
  return [...all.values()].sort((a, b) => b.macs - a.macs || a.key.localeCompare(b.key));
}
