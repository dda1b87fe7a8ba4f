/** MTCNN's weights: the file that lies beside the code, by facenet-pytorch's names. */

import { mustBeFinite } from '../checkpoint/float16.ts';
import { openCheckpoint, type WeightsSource } from '../checkpoint/open.ts';
import { aligned, inFloat32 } from '../checkpoint/values.ts';
import { wrongWeights } from '../gpu/errors.ts';
import { given } from '../gpu/given.ts';
import { packConv } from '../kernels/convPrelu.ts';
import { packHeads } from '../kernels/proposals.ts';
import { LAST, type Layer } from './layers.ts';

/** The tensors by name, with PyTorch's shapes. */
export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

/** Where the package has the file; bundlers that know this form move it along. @throws FaceXFormerError BAD_OPTION: what is no module knows no place */
export const packagedWeights = (): URL =>
  given(
    'A script that is no module needs `weights`: where it has a copy of mtcnn.safetensors.',
    () => new URL('./mtcnn.safetensors', import.meta.url),
  );

/** @throws FaceXFormerError WEIGHTS_UNREACHABLE, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, ABORTED */
export async function readWeights(source: WeightsSource, signal?: AbortSignal): Promise<Weights> {
  // A small file of the page's own, which the browser keeps as it keeps the page's scripts.
  const checkpoint = inFloat32(await openCheckpoint(source, { signal, cache: false }));
  const weights = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for await (const { info, data } of checkpoint.read({ signal })) {
    const values = aligned(data).slice();
    mustBeFinite(info.name, values);
    weights.set(info.name, { shape: info.shape, values });
  }
  return weights;
}

/** @throws FaceXFormerError WRONG_WEIGHTS */
export function tensorOf(weights: Weights, name: string, shape: readonly number[]): Float32Array {
  const tensor = weights.get(name);
  if (tensor && `${tensor.shape}` === `${shape}`) return tensor.values;
  const found = tensor ? `is [${tensor.shape}]` : 'is missing';
  throw wrongWeights(`The detector's weights: ${name} ${found}, and must be [${shape}].`);
}

/** A layer's weight and its biases and slopes, as the kernel `convPrelu` reads them; behind them the heads, which `proposals` reads too. */
export type Packed = readonly Float32Array<ArrayBuffer>[];

/** Channels in fours, as the kernels read them. */
export const padded = (channels: number): number => 4 * Math.ceil(channels / 4);

/** @throws FaceXFormerError WRONG_WEIGHTS */
export function packLayer(weights: Weights, net: string, layer: Layer): Packed {
  const { window, inner, outer, slopes } = layer;
  const kernel = kernelOf(weights, net, layer);
  const w = new Float32Array(window ** 2 * padded(inner) * padded(outer));
  packConv(kernel, [outer, inner, window], w);
  const b = new Float32Array(2 * padded(outer));
  b.set(biasOf(weights, net, layer));
  if (slopes) b.set(tensorOf(weights, `${net}.${slopes}.weight`, [outer]), padded(outer));
  else b.fill(1, padded(outer));
  return [w, b];
}

const rowsOf = (weights: Weights, net: string, name: string): number => weights.get(`${net}.${name}.weight`)?.shape[0] ?? 0;

/** [outer], of the layer's tensors one after the other. */
export const biasOf = (weights: Weights, net: string, layer: Layer): number[] =>
  layer.weights.flatMap((name) => [...tensorOf(weights, `${net}.${name}.bias`, [rowsOf(weights, net, name)])]);

/** [outer, inner, window, window], of the layer's tensors one after the other. */
export function kernelOf(weights: Weights, net: string, { weights: names, window, inner, outer, dense }: Layer): Float32Array {
  const kernel = new Float32Array(outer * inner * window ** 2);
  let at = 0;
  for (const name of names) {
    const rows = rowsOf(weights, net, name);
    const shape = dense ? [rows, inner * window ** 2] : [rows, inner, window, window];
    const values = tensorOf(weights, `${net}.${name}.weight`, shape);
    if (at + values.length > kernel.length) break;
    kernel.set(dense ? unflattened(values, inner, window) : values, at);
    at += values.length;
  }
  if (at !== kernel.length) throw wrongWeights(`The detector's weights: ${net}.${names} must have ${outer} rows.`);
  return kernel;
}

/** The networks flatten their maps in the order width, height, channels, as the Caffe models did that they were made from. */
function unflattened(values: Float32Array, channels: number, side: number): Float32Array {
  const size = channels * side * side;
  const turned = new Float32Array(values.length);
  for (let row = 0; row < values.length / size; row++)
    for (let x = 0; x < side; x++)
      for (let y = 0; y < side; y++)
        for (let c = 0; c < channels; c++)
          turned[row * size + (c * side + y) * side + x] = values[row * size + (x * side + y) * channels + c] as number;
  return turned;
}

/** What the kernel `proposals` reads: the first network's last convolution and its two heads. */
export function packProposals(weights: Weights): Packed {
  const h = new Float32Array(33 * 8);
  const head = (name: string, rows: number) =>
    [tensorOf(weights, `pnet.${name}.weight`, [rows, 32, 1, 1]), tensorOf(weights, `pnet.${name}.bias`, [rows])] as const;
  packHeads(head('conv4_1', 2), head('conv4_2', 4), h);
  return [...packLayer(weights, 'pnet', LAST), h];
}
