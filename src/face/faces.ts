/** From a frame's results to its faces: each image's part of every tensor read back. */

import type { AnalyzedFace, AnalyzeOptions } from '../engine/options.ts';
import { heatmapsOf } from '../engine/programs.ts';
import type { Plan } from '../graph/plan.ts';
import type { Results } from '../graph/program.ts';
import type { Box } from '../image/crop.ts';
import type { Config } from '../model/config.ts';
import { TASKS } from './labels.ts';
import { rawTensors } from './raw.ts';
import { faceOf, type RawOutputs } from './results.ts';

/** Crops that go through the network together, and what is run for them. */
export interface Batch {
  readonly crops: readonly Box[];
  readonly plan: Plan;
}

/** One face a crop, in their order. */
export function facesOf({ crops, plan }: Batch, results: Results, config: Config, options: AnalyzeOptions): AnalyzedFace[] {
  return crops.map((crop, image) => oneFace(plan, partOf(results, image, crops.length), crop, config, options));
}

/** An image's results: every tensor holds the images one after the other. */
function partOf(results: Results, image: number, images: number): Results {
  if (images === 1) return results;
  const part = (bytes: ArrayBuffer) => bytes.slice((image * bytes.byteLength) / images, ((image + 1) * bytes.byteLength) / images);
  return new Map([...results].map(([name, bytes]) => [name, part(bytes)]));
}

function oneFace(plan: Plan, results: Results, crop: Box, config: Config, { raw, taps, heatmaps }: AnalyzeOptions): AnalyzedFace {
  const outputs: RawOutputs = {};
  for (const task of TASKS) {
    const values = results.get(task);
    if (values) outputs[task] = new Float32Array(values);
  }
  const mask = results.get('mask');
  const face: AnalyzedFace = faceOf(outputs, { crop, form: config.form, mask: mask && new Uint8Array(mask) });
  if (!raw && !taps && !heatmaps) return face;
  const tensors = rawTensors(plan, results, outputs);
  if (raw || taps) face.raw = tensors;
  const maps = heatmaps && tensors[`tap.${heatmapsOf(config)}`];
  if (maps) face.heatmaps = maps;
  return face;
}
