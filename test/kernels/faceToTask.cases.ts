import { type FaceToTaskShape, faceToTask } from '../../src/kernels/faceToTask.ts';
import { headsAttention, rowsOf } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

function taskCase(name: string, shape: FaceToTaskShape, scale = 1): KernelCase {
  const { queries, tokens, heads, qStride, qOffset = 0 } = shape;
  const width = 16 * heads;
  return {
    name: `${name}: ${queries} queries, ${tokens} tokens, ${heads} heads`,
    bound: FLOAT32,
    async run(device) {
      const q = randomValues(queries * qStride, 1).map((v) => scale * v);
      const k = randomValues(tokens * width, 2).map((v) => scale * v);
      const v = randomValues(tokens * width, 3);
      const y = await runKernel(device, faceToTask, shape, { q, k, v }, queries * width);
      const expected = headsAttention(heads, rowsOf(q, width, qStride, qOffset), rowsOf(k, width), rowsOf(v, width));
      return { actual: new Float32Array(y), expected };
    },
  };
}

export const cases: KernelCase[] = [
  taskCase('released form', { queries: 3136, tokens: 18, heads: 8, qStride: 384, qOffset: 256 }),
  taskCase('paper form', { queries: 448, tokens: 95, heads: 8, qStride: 384, qOffset: 256 }),
  taskCase('as many tokens as fit', { queries: 65, tokens: 112, heads: 2, qStride: 32 }),
  taskCase('one token', { queries: 95, tokens: 1, heads: 8, qStride: 128 }),
  taskCase('one query', { queries: 1, tokens: 18, heads: 1, qStride: 24, qOffset: 8 }),
  taskCase('scores of hundreds', { queries: 130, tokens: 18, heads: 8, qStride: 128 }, 20),
];
