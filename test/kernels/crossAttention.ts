import type { Kernel } from '../../src/kernels/kernel.ts';
import type { TaskToFaceShape } from '../../src/kernels/taskToFace.ts';
import { headsAttention, rowsOf } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernelTwice } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';

/** The shares y [tokens][heads][shares][20] of a, (m, l, 0, 0) put together: sum exp(m) a / sum exp(m) l. */
function together(y: Float32Array, tokens: number, heads: number): Float64Array {
  const shares = y.length / (tokens * heads * 20);
  const merged = new Float64Array(tokens * heads * 16);
  for (const [i, all] of rowsOf(y, shares * 20).entries()) {
    const parts = rowsOf(all, 20);
    const highest = Math.max(...parts.map((part) => part[16] as number));
    const sum = (value: (part: Float64Array) => number): number =>
      parts.reduce((total, part) => total + Math.exp((part[16] as number) - highest) * value(part), 0);
    const total = sum((part) => part[17] as number);
    for (let d = 0; d < 16; d++) merged[i * 16 + d] = sum((part) => part[d] as number) / total;
    if (parts.some((part) => part[18] !== 0 || part[19] !== 0)) merged.fill(Number.NaN);
  }
  return merged;
}

/** A kernel and the number of shares that its output for a shape has. */
export interface Sharing {
  kernel: Kernel<TaskToFaceShape>;
  sharesOf(shape: TaskToFaceShape): number;
}

function faceCase({ kernel, sharesOf }: Sharing, name: string, shape: TaskToFaceShape, scale = 1): KernelCase {
  const { images = 1, tokens, keys, heads, kStride, vStride, vOffset = 0, dtype = 'f32' } = shape;
  const width = 16 * heads;
  const { qStride = width, qOffset = 0 } = shape;
  const more = `${images > 1 ? `, ${images} images` : ''}${dtype === 'f16' ? ', float16' : ''}`;
  return {
    name: `${name}: ${tokens} tokens, ${keys} keys, ${heads} heads${more}`,
    // In float16 too: what is stored is float32.
    bound: FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const q = randomValues((shape.qRepeats ? 1 : images) * tokens * qStride, 1).map((v) => scale * v);
      const k = randomValues(images * keys * kStride, 2).map((v) => scale * v);
      const v = randomValues(images * keys * vStride, 3);
      const inputs = { q, k: stored(k, dtype), v: stored(v, dtype) };
      const y = await runKernelTwice(device, kernel, shape, inputs, images * tokens * heads * sharesOf(shape) * 20);
      const [wideQ, wideK, wideV] = [
        rowsOf(q, width, qStride, qOffset),
        rowsOf(rounded(k, dtype), width, kStride),
        rowsOf(rounded(v, dtype), width, vStride, vOffset),
      ];
      const of = (rows: Float64Array[], each: number, image: number): Float64Array[] => rows.slice(image * each, (image + 1) * each);
      const expected = Array.from({ length: images }, (_, i) =>
        headsAttention(heads, of(wideQ, tokens, shape.qRepeats ? 0 : i), of(wideK, keys, i), of(wideV, keys, i)),
      );
      return { actual: together(new Float32Array(y), images * tokens, heads), expected: expected.flatMap((one) => [...one]) };
    },
  };
}

const model = { heads: 8, kStride: 384, vStride: 384, vOffset: 128 };
const plain = { heads: 8, kStride: 128, vStride: 128 };

export function taskToFaceCases(sharing: Sharing): KernelCase[] {
  const of = (name: string, shape: TaskToFaceShape, scale?: number): KernelCase => faceCase(sharing, name, shape, scale);
  return [
    of('released form', { tokens: 18, keys: 3136, ...model }),
    of('paper form', { tokens: 95, keys: 784, ...model }),
    of('final attention', { tokens: 18, keys: 448, heads: 8, kStride: 256, vStride: 256, vOffset: 128 }),
    of('a last chunk of one key', { tokens: 18, keys: 65, ...plain }),
    of('a last chunk in part', { tokens: 95, keys: 100, ...plain }),
    of('fewer keys than parts', { tokens: 1, keys: 5, ...plain }),
    of('one token', { tokens: 1, keys: 200, heads: 2, kStride: 32, vStride: 32 }),
    of('a full workgroup', { tokens: 64, keys: 64, heads: 1, kStride: 16, vStride: 20, vOffset: 4 }),
    of('one token more', { tokens: 65, keys: 64, heads: 1, kStride: 16, vStride: 16 }),
    of('scores of hundreds', { tokens: 18, keys: 130, ...plain }, 20),
    of('queries among other columns', { tokens: 18, keys: 130, ...plain, qStride: 400, qOffset: 256 }),
  ];
}

/** The cases of those that take several images, and float16. */
export function taskToFaceBatchCases(sharing: Sharing): KernelCase[] {
  const of = (name: string, shape: TaskToFaceShape, scale?: number): KernelCase => faceCase(sharing, name, shape, scale);
  return [
    of('a batch', { images: 3, tokens: 18, keys: 200, ...model, qStride: 384, qOffset: 128 }),
    of('a batch of several groups of queries', { images: 2, tokens: 95, keys: 100, ...plain }),
    of('released form', { tokens: 18, keys: 3136, ...model, dtype: 'f16' }),
    of('a batch', { images: 2, tokens: 95, keys: 100, ...model, qStride: 144, qOffset: 16, dtype: 'f16' }),
    of('scores of hundreds', { tokens: 18, keys: 130, ...plain, dtype: 'f16' }, 20),
  ];
}
