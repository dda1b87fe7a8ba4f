/**
 * Seeded weights, recipe 1: a tensor's values are a pure function of its name, the element's index and a seed, so that any language
 * rebuilds them bit for bit. Integer arithmetic is modulo 2^32, the rest float64, rounded once to float32:
 *
 *     key = fnv1a32(name) ^ seed;  h = mix(key + index * 0x9E3779B9);  value = ((h >> 8) * 2^-23 - 1) * scale + offset
 *
 * Untrained: good for tests and for timing, meaningless as answers about faces.
 */
import { throwIfAborted } from '../gpu/errors.ts';
import { mustBeWhole } from '../gpu/given.ts';
import type { Checkpoint, DescribedTensor, Drawn, ReadOptions, TensorList } from './checkpoint.ts';
import { listed, readOptionsOf } from './sound.ts';

/** Of `seededCheckpoint`, and of the fixtures that PyTorch made. */
export const DEFAULT_SEED = 20240319;

/** A checkpoint of seeded weights for a model's tensors (`tensorsOf('released')`). The seed is an integer of 32 bits. */
export function seededCheckpoint(manifest: TensorList, seed: number = DEFAULT_SEED): Checkpoint {
  mustBeWhole(seed, 'seed', 0, 0xffffffff);
  const tensors = listed(manifest);
  return { source: `seeded ${seed}`, tensors, rereadable: true, read: (options) => readSeeded(tensors, seed, readOptionsOf(options)) };
}

async function* readSeeded(manifest: TensorList, seed: number, { signal, onProgress }: ReadOptions) {
  const infos = [...manifest.values()];
  const total = infos.reduce((sum, { bytes }) => sum + bytes, 0);
  const room = new ArrayBuffer(Math.max(0, ...infos.map(({ bytes }) => bytes)));
  let loaded = 0;
  for (const info of infos) {
    throwIfAborted(signal);
    const data = new Uint8Array(room, 0, info.bytes);
    fillSeeded(info, seed, data);
    loaded += info.bytes;
    onProgress?.(loaded, total);
    yield { info, data };
  }
}

/** Writes one tensor's bytes into `out`, which must be of its length and begin at a multiple of 8. */
export function fillSeeded(
  { name, dtype, shape, values, drawn = byShape(name, shape) }: DescribedTensor,
  seed: number,
  out: Uint8Array,
): void {
  if (dtype === 'F32') draw(name, drawn, seed, new Float32Array(out.buffer, out.byteOffset, out.byteLength / 4));
  else if (values) new BigInt64Array(out.buffer, out.byteOffset, values.length).set(values);
  else out.fill(0);
}

function draw(name: string, { scale, offset, spikes }: Drawn, seed: number, values: Float32Array): void {
  let state = fnv1a32(name) ^ seed;
  for (let i = 0; i < values.length; i++) {
    let h = state ^ (state >>> 16);
    h = Math.imul(h, 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    h ^= h >>> 16;
    const value = ((h >>> 8) * 2 ** -23 - 1) * scale + offset;
    values[i] = spikes && i % spikes.every === spikes.first ? value * spikes.times : value;
    state = (state + 0x9e3779b9) | 0;
  }
}

/** How any model's tensors are drawn: norms near 1, biases small, weights as wide as keeps what they make as wide as what they take. */
export function byShape(name: string, shape: readonly number[]): Drawn {
  if (shape.length === 1) return /\.(weight|running_var)$/.test(name) ? { scale: 0.25, offset: 1 } : { scale: 0.1, offset: 0 };
  return { scale: Math.sqrt(3 / shape.slice(1).reduce((n, d) => n * d, 1)), offset: 0 };
}

function fnv1a32(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}
