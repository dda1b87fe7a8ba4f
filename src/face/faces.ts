/** Makes faces of a frame's results: each image's part of every tensor read back, read by the rows of the tasks' table. */
import { float32Of } from '../checkpoint/float16.ts';
import { gpuError } from '../gpu/errors.ts';
import type { Plan } from '../graph/plan.ts';
import type { Results } from '../graph/program.ts';
import type { Box } from '../image/crop.ts';
import { normalised } from '../image/resize.ts';
import { unpackRgb } from '../kernels/resize.ts';
import { type Config, heatmapsTap } from './config.ts';
import type { Task } from './labels.ts';
import type { Numbers, Origin } from './readings/reading.ts';
import type { Face, RawOutputs } from './results.ts';
import { TASK_TABLE, type TaskTable } from './tasks.ts';

/** A tensor that the network made, under the shape that PyTorch gives it; bytes for pictures, else float32. */
export interface RawTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/** One face, and its raw tensors and heat maps where asked for. */
export type AnalyzedFace = Face & { raw?: Record<string, RawTensor>; heatmaps?: RawTensor };

/** What a face is given besides its results. */
export interface Extras {
  /** Its raw outputs, the crop as the network saw it, and with `taps` every tensor between, under PyTorch's names and shapes. */
  readonly raw?: boolean | undefined;
  readonly taps?: boolean | undefined;
  readonly heatmaps?: boolean | undefined;
}

/** One face a crop, in their order: of crops that went through the network together. */
export function facesOf(crops: readonly Box[], plan: Plan, results: Results, config: Config, options: Extras): AnalyzedFace[] {
  return crops.map((crop, image) => oneFace(plan, partOf(results, image, crops.length), crop, config, options));
}

/** An image's results: every tensor holds the images one after the other. */
function partOf(results: Results, image: number, images: number): Results {
  if (images === 1) return results;
  const part = (bytes: ArrayBuffer) => bytes.slice((image * bytes.byteLength) / images, ((image + 1) * bytes.byteLength) / images);
  return new Map([...results].map(([name, bytes]) => [name, part(bytes)]));
}

function oneFace(plan: Plan, results: Results, crop: Box, config: Config, { raw, taps, heatmaps }: Extras): AnalyzedFace {
  const outputs: RawOutputs = {};
  for (const task of Object.keys(config.table) as Task[]) {
    const values = results.get(task);
    if (values) outputs[task] = new Float32Array(values);
  }
  const mask = results.get('mask');
  const { table, side, form = 'released' } = config;
  const face: AnalyzedFace = faceOf({ ...outputs, ...(mask && { mask: new Uint8Array(mask) }) }, { crop, side, form }, table);
  if (!raw && !taps && !heatmaps) return face;
  const tensors = rawTensors(plan, results, outputs);
  if (raw || taps) face.raw = tensors;
  const maps = heatmaps && tensors[`tap.${heatmapsTap(config)}`];
  if (maps) face.heatmaps = maps;
  return face;
}

/**
 * Reads one face's raw outputs, and the argmax over the parsing classes, [side, side], which the GPU has done as `mask`: the segmentation is
 * made from it, not from its logits.
 * @throws FaceXFormerError GPU_ERROR: an output is not finite, means nothing that a face can have, or has the wrong length; no NaN comes out
 */
export function faceOf(raw: RawOutputs & { mask?: Uint8Array }, origin: Origin, table: TaskTable = TASK_TABLE): Face {
  const given: Readonly<Record<string, Numbers | undefined>> = raw;
  for (const [name, values] of Object.entries(given)) if (values && name !== 'mask') mustMeanSomething(name, values); // 50,000 bytes, none too large
  const results = Object.entries(table).flatMap(([task, reading]) => {
    const values = given[reading.reads ?? task];
    return values ? [[task, reading.read(values, origin)]] : [];
  });
  return { box: { ...origin.crop }, ...Object.fromEntries(results) };
}

/** The largest number that a head of trained weights could mean: logits are within tens, angles and coordinates within ones. */
const LARGEST = 1e4;

function mustMeanSomething(name: string, values: Numbers): void {
  for (let at = 0; at < values.length; at++)
    if (!(Math.abs(values[at] as number) <= LARGEST))
      throw gpuError(
        `The GPU gave ${values[at]} as number ${at} of ${name}, which no face can have. Check the weights, load with dtype 'f32', or report the GPU.`,
      );
}

/**
 * Everything that the plan read back, and the network's input as numbers, which it looks up byte by byte; but for the mask, which is a result and not an output of the network.
 * @param outputs the network's outputs that are among it; what is left are taps
 */
export function rawTensors(plan: Plan, results: ReadonlyMap<string, ArrayBuffer>, outputs: RawOutputs): Record<string, RawTensor> {
  const tensors: Record<string, RawTensor> = {};
  for (const { name, shape, arrange, dtype } of plan.readbacks) {
    const bytes = results.get(name) as ArrayBuffer;
    if (name === 'mask') continue;
    if (name === 'resized') {
      const side = Math.sqrt(bytes.byteLength / 4);
      const rgb = unpackRgb(new Uint32Array(bytes));
      tensors['resized'] = { shape: [side, side, 3], data: rgb };
      tensors['pixels'] = { shape: [1, 3, side, side], data: normalised(rgb) };
    } else {
      const data = dtype === 'f16' ? float32Of(new Uint16Array(bytes)) : new Float32Array(bytes);
      tensors[name in outputs ? `output.${name}` : `tap.${name}`] = { shape, data: arrange ? arrange(data) : data };
    }
  }
  return tensors;
}
