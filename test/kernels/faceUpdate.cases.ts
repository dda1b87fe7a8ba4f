import { type FaceUpdateShape, faceUpdate, faceUpdateInTime, faceUpdateSmall } from '../../src/kernels/faceUpdate.ts';
import { transposed } from '../../src/kernels/matmul/role.ts';
import { headsAttention, linear, rowsOf } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';
import { layerNorm } from './streams.ts';

const EPS = 1e-5;

interface Case extends Omit<FaceUpdateShape, 'eps'> {
  /** Numbers from one row of t to the next. */
  tStride: number;
}

function updateCase(kernel: typeof faceUpdate, name: string, { tStride, ...shape }: Case, scale = 1): KernelCase {
  const { positions, tokens, images = 1, qStride, qOffset, tOffset, dtype = 'f32' } = shape;
  return {
    name: `${name}: ${images} x ${positions} positions, ${tokens} tokens${dtype === 'f16' ? ', float16' : ''}`,
    bound: FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const q = randomValues(images * positions * qStride, 1).map((v) => scale * v);
      const t = randomValues(images * tokens * tStride, 2).map((v) => scale * v);
      const weight = randomValues(256 * 128, 3).map((v) => v / 4);
      const [b, g, beta] = [4, 5, 6].map((seed) => randomValues(256, seed)) as [Float32Array, Float32Array, Float32Array];
      const r = randomValues(images * positions * 256, 7);
      const w = transposed(weight, 256, new Float32Array(weight.length));
      const inputs = { q: stored(q, dtype), t, w: stored(w, dtype), n: Float32Array.of(...b, ...g, ...beta), r };
      const y = await runKernel(device, kernel, { ...shape, eps: EPS }, inputs, images * positions * 256);
      const queries = rowsOf(rounded(q, dtype), 128, qStride, qOffset);
      const [keys, values] = [rowsOf(t, 128, tStride, tOffset), rowsOf(t, 128, tStride, tOffset + 128)];
      const attended = Array.from({ length: images }, (_, i) => {
        const [from, to] = [i * tokens, (i + 1) * tokens];
        return [...headsAttention(8, queries.slice(i * positions, (i + 1) * positions), keys.slice(from, to), values.slice(from, to))];
      }).flat();
      const sums = linear(attended, rounded(weight, dtype), b).map((v, i) => v + (r[i] as number));
      return { actual: new Float32Array(y), expected: layerNorm(sums, g, beta, EPS) };
    },
  };
}

const model = { qStride: 384, qOffset: 256, tStride: 1280, tOffset: 256 };

export const cases: KernelCase[] = [
  updateCase(faceUpdate, 'released form', { positions: 784, tokens: 18, ...model }),
  updateCase(faceUpdate, 'paper form', { positions: 112, tokens: 95, ...model }),
  updateCase(faceUpdate, 'two images', { positions: 28, tokens: 5, images: 2, ...model }),
  updateCase(faceUpdate, 'positions that do not fill a workgroup', { positions: 64, tokens: 19, images: 2, ...model }),
  updateCase(faceUpdate, 'one token', { positions: 14, tokens: 1, qStride: 128, qOffset: 0, tStride: 256, tOffset: 0 }),
  updateCase(faceUpdate, 'scores of hundreds', { positions: 14, tokens: 18, ...model }, 20),
  updateCase(faceUpdate, 'in halves', { positions: 56, tokens: 18, ...model, dtype: 'f16' }),
  updateCase(faceUpdateInTime, 'steps in time', { positions: 28, tokens: 18, ...model }),
  updateCase(faceUpdateSmall, 'a position a thread', { positions: 57, tokens: 18, images: 2, ...model }),
];
