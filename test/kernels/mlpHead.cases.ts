import type { Dtype } from '../../src/kernels/kernel.ts';
import { transposed } from '../../src/kernels/matmul/role.ts';
import { type Head, headTable, mlpHead, mlpHeadSmall, paddedOutputs, placesOf } from '../../src/kernels/mlpHead.ts';
import { linear, relu, rowsOf } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel, SENTINEL } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';

interface Heads {
  heads: readonly Head[];
  tokens: number;
  images?: number;
  stride?: number;
  dtype?: Dtype;
}

function headCase(name: string, { heads, tokens, images = 1, stride = 256, dtype = 'f32' }: Heads, kernel = mlpHead): KernelCase {
  return {
    name: `${name}: ${heads.map(({ count, out }) => `${count} x ${out}`).join(', ')} of ${images > 1 ? `${images} x ` : ''}${tokens} tokens`,
    bound: FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const x = randomValues(images * tokens * stride, 1);
      const layers = heads.map(({ out }, h) =>
        [256, 256, out].map((cols, i) => ({
          weight: randomValues(cols * 256, 6 * h + 2 * i + 2).map((v) => v / 8),
          bias: randomValues(cols, 6 * h + 2 * i + 3),
        })),
      );
      const all = layers.flat();
      const w = all.flatMap(({ weight, bias }) => {
        const stride = paddedOutputs(bias.length);
        return [...transposed(weight, bias.length, new Float32Array(256 * stride), { stride })];
      });
      const inputs = {
        x,
        w: stored(Float32Array.from(w), dtype),
        b: Float32Array.from(all.flatMap(({ bias }) => [...bias])),
        t: headTable(heads),
      };
      const { places, size } = placesOf(heads);
      const y = new Float32Array(await runKernel(device, kernel, { heads, tokens, stride, images, dtype }, inputs, images * size.y));
      const rows = rowsOf(x, 256, stride);
      const actual: number[] = [];
      const expected: number[] = [];
      let written = 0;
      for (const [h, { first, count, out, y: from }] of places.entries()) {
        let value: ArrayLike<number> = Array.from({ length: images }, (_, i) =>
          rows.slice(i * tokens + first, i * tokens + first + count).flatMap((row) => [...row]),
        ).flat();
        for (const [i, { weight, bias }] of (layers[h] as typeof all).entries()) {
          const sums = linear(value, rounded(weight, dtype), bias);
          value = i < 2 ? sums.map(relu) : sums;
        }
        actual.push(...y.subarray(images * from, images * (from + count * out)));
        expected.push(...Array.from(value));
        written += images * count * out;
      }
      const untouched = new Uint32Array(y.buffer).filter((bits) => bits === SENTINEL).length;
      return { actual: [...actual, untouched], expected: [...expected, images * size.y - written] };
    },
  };
}

export const cases: KernelCase[] = [
  headCase('gender', { heads: [{ first: 5, count: 1, out: 2 }], tokens: 18 }),
  headCase('landmarks', { heads: [{ first: 0, count: 1, out: 136 }], tokens: 18 }),
  headCase('segmentation', { heads: [{ first: 7, count: 11, out: 32 }], tokens: 18 }),
  headCase('recognition', { heads: [{ first: 83, count: 1, out: 512 }], tokens: 95 }),
  headCase('a second round in part', { heads: [{ first: 0, count: 2, out: 300 }], tokens: 2 }),
  headCase('three at once', {
    heads: [
      { first: 0, count: 1, out: 40 },
      { first: 3, count: 9, out: 1 },
      { first: 1, count: 2, out: 70 },
    ],
    tokens: 12,
    stride: 384,
  }),
  headCase('three images', {
    heads: [
      { first: 1, count: 2, out: 32 },
      { first: 0, count: 1, out: 5 },
    ],
    tokens: 3,
    images: 3,
  }),
  headCase(
    'a wave a token',
    {
      heads: [
        { first: 0, count: 2, out: 136 },
        { first: 2, count: 1, out: 3 },
        { first: 1, count: 1, out: 300 },
      ],
      tokens: 3,
      images: 2,
      stride: 384,
    },
    mlpHeadSmall,
  ),
  headCase('float16', {
    heads: [
      { first: 0, count: 1, out: 29 },
      { first: 1, count: 1, out: 3 },
    ],
    tokens: 2,
    dtype: 'f16',
  }),
];
