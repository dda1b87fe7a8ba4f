import { sharesOf, type TaskToFaceShape, taskToFace } from '../../src/kernels/taskToFace.ts';
import { headsAttention, rowsOf } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

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

function faceCase(name: string, shape: TaskToFaceShape, scale = 1): KernelCase {
  const { tokens, keys, heads, kStride, vStride, vOffset = 0 } = shape;
  const width = 16 * heads;
  return {
    name: `${name}: ${tokens} tokens, ${keys} keys, ${heads} heads`,
    bound: FLOAT32,
    async run(device) {
      const q = randomValues(tokens * width, 1).map((v) => scale * v);
      const k = randomValues(keys * kStride, 2).map((v) => scale * v);
      const v = randomValues(keys * vStride, 3);
      const y = await runKernel(device, taskToFace, shape, { q, k, v }, tokens * heads * sharesOf(shape) * 20);
      const expected = headsAttention(heads, rowsOf(q, width), rowsOf(k, width, kStride), rowsOf(v, width, vStride, vOffset));
      return { actual: together(new Float32Array(y), tokens, heads), expected };
    },
  };
}

const model = { heads: 8, kStride: 384, vStride: 384, vOffset: 128 };
const plain = { heads: 8, kStride: 128, vStride: 128 };

export const cases: KernelCase[] = [
  faceCase('released form', { tokens: 18, keys: 3136, ...model }),
  faceCase('paper form', { tokens: 95, keys: 784, ...model }),
  faceCase('final attention', { tokens: 18, keys: 448, heads: 8, kStride: 256, vStride: 256, vOffset: 128 }),
  faceCase('a last chunk of one key', { tokens: 18, keys: 65, ...plain }),
  faceCase('a last chunk in part', { tokens: 95, keys: 100, ...plain }),
  faceCase('fewer keys than parts', { tokens: 1, keys: 5, ...plain }),
  faceCase('one token', { tokens: 1, keys: 200, heads: 2, kStride: 32, vStride: 32 }),
  faceCase('a full workgroup', { tokens: 64, keys: 64, heads: 1, kStride: 16, vStride: 20, vOffset: 4 }),
  faceCase('one token more', { tokens: 65, keys: 64, heads: 1, kStride: 16, vStride: 16 }),
  faceCase('scores of hundreds', { tokens: 18, keys: 130, ...plain }, 20),
];
