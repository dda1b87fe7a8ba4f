import type { Dtype } from '../../src/kernels/kernel.ts';
import { packWeight, transposed } from '../../src/kernels/matmul/role.ts';
import { type TokenUpdateShape, tokenUpdate, tokenUpdateSmall, updateInner } from '../../src/kernels/tokenUpdate.ts';
import { dot, linear, rowsOf, softmax } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';
import { layerNorm } from './streams.ts';

const WIDTH = 256;
const HEADS = 8;
const EPS = 1e-5;

/** The rows a[t], from an x of `rows` rows that `make` fills. */
function sourceOf({ source, tokens, images = 1 }: TokenUpdateShape, stride: number): { x: Float32Array; a: number[][] } {
  const rows = images * tokens;
  if (source.kind === 'shares') return sharesOf(rows, source.shares);
  if (source.kind === 'product') return { x: randomValues(source.shares * rows * WIDTH, 1), a: [] };
  const first = source.first ?? 0;
  const x = randomValues(rows * stride, 1);
  const all = rowsOf(x, stride);
  if (source.kind === 'rows') return { x, a: all.map((row) => [...row.subarray(first, first + source.inner)]) };
  const part = (row: Float64Array, which: number, head: number) => row.subarray(first + which * WIDTH + head * 32).subarray(0, 32);
  const a = all.map((row, r) => {
    const image = all.slice(Math.floor(r / tokens) * tokens, (Math.floor(r / tokens) + 1) * tokens);
    return Array.from({ length: HEADS }, (_, head) => {
      const weights = softmax(image.map((key) => dot(part(row, 0, head), part(key, 1, head))));
      return Array.from({ length: 32 }, (_, d) =>
        weights.reduce((sum, weight, j) => sum + weight * (part(image[j] as Float64Array, 2, head)[d] as number), 0),
      );
    }).flat();
  });
  return { x, a };
}

/** Shares as taskToFace leaves them; every fifth has seen no key. */
function sharesOf(rows: number, shares: number): { x: Float32Array; a: number[][] } {
  const x = randomValues(rows * HEADS * shares * 20, 1);
  for (let i = 0; i < x.length; i += 20) {
    const empty = (i / 20) % 5 === 4 && shares > 4;
    x[i + 16] = empty ? -1e18 : 9 * (x[i + 16] as number);
    x[i + 17] = empty ? 0 : 1 + Math.abs(x[i + 17] as number);
    if (empty) x.fill(0, i, i + 16);
    x.fill(0, i + 18, i + 20);
  }
  const a = rowsOf(x, HEADS * shares * 20).map((row) =>
    rowsOf(row, shares * 20).flatMap((head) => {
      const parts = rowsOf(head, 20);
      const highest = Math.max(...parts.map((part) => part[16] as number));
      const weights = parts.map((part) => Math.exp((part[16] as number) - highest));
      const total = parts.reduce((sum, part, i) => sum + (weights[i] as number) * (part[17] as number), 0);
      return Array.from(
        { length: 16 },
        (_, d) => parts.reduce((sum, part, i) => sum + (weights[i] as number) * (part[d] as number), 0) / total,
      );
    }),
  );
  return { x, a };
}

/** What a product left in shares, [shares][rows, 256], with a bias. */
function sumOf(x: Float32Array, rows: number, b: Float32Array): Float64Array {
  const sums = Float64Array.from({ length: rows * WIDTH }, (_, i) => b[i % WIDTH] as number);
  for (const [i, v] of x.entries()) sums[i % sums.length] = (sums[i % sums.length] as number) + v;
  return sums;
}

interface Case extends Omit<TokenUpdateShape, 'eps'> {
  /** Numbers from one row of x, and of r, to the next. */
  xStride?: number;
  rStride?: number;
}

function updateCase(
  name: string,
  { xStride = 2048, rStride = WIDTH, ...shape }: Case,
  dtype: Dtype = 'f32',
  kernel = tokenUpdate,
): KernelCase {
  const { tokens, images = 1, cols, repeats = false } = shape;
  const whole: TokenUpdateShape = { ...shape, eps: EPS, dtype };
  const inner = updateInner(whole);
  const rows = images * tokens;
  return {
    name: `${name}: ${images > 1 ? `${images} images, ` : ''}${tokens} tokens to ${cols}${dtype === 'f16' ? ', float16' : ''}`,
    bound: FLOAT32,
    ...featuresOf(dtype),
    async run(device) {
      const { x, a } = sourceOf(whole, xStride);
      const r = randomValues((repeats ? tokens : rows) * rStride, 2);
      const own = randomValues(WIDTH * inner, 3).map((v) => v / Math.sqrt(inner));
      const projection = randomValues(cols * WIDTH, 4).map((v) => v / 16);
      const [b, g, beta] = [5, 6, 7].map((seed) => randomValues(WIDTH, seed)) as [Float32Array, Float32Array, Float32Array];
      const c = randomValues(Math.max(tokens * cols, 4), 8);
      const w = new Float32Array(own.length + projection.length);
      packWeight(own, WIDTH, inner, w);
      if (cols > 0) transposed(projection, cols, w.subarray(own.length));
      const inputs = { x, r, w: stored(w, dtype), n: Float32Array.of(...b, ...g, ...beta), c };
      const y = await runKernel(device, kernel, whole, inputs, rows * (WIDTH + cols));
      const sums = shape.source.kind === 'product' ? sumOf(x, rows, b) : linear(a.flat(), rounded(own, dtype), b);
      const before = rowsOf(r, WIDTH, rStride);
      const added = sums.map((v, i) => v + (before[Math.floor(i / WIDTH) % before.length]?.[i % WIDTH] as number));
      const u = layerNorm(added, g, beta, EPS);
      const projected = cols > 0 ? linear(u, rounded(projection, dtype), new Float32Array(cols)) : [];
      const expected = rowsOf(u, WIDTH).flatMap((row, t) => [
        ...row,
        ...Array.from({ length: cols }, (_, n) => (projected[t * cols + n] as number) + (c[(t % tokens) * cols + n] as number)),
      ]);
      return { actual: new Float32Array(y), expected };
    },
  };
}

const rows = { kind: 'rows', inner: 2048 } as const;
const attention = { source: { kind: 'attention', first: 512 }, xStride: 1280, rStride: 1280 } as const;
const product = (shares: number) => ({ kind: 'product', inner: 64, shares }) as const;
const shares = (shares: number) => ({ source: { kind: 'shares', shares } }) as const;

export const cases: KernelCase[] = [
  updateCase('MLP', { tokens: 18, source: rows, cols: 1024 }),
  updateCase('MLP, last layer', { tokens: 18, source: rows, cols: 384 }),
  updateCase('MLP, paper form', { tokens: 95, source: rows, cols: 128 }),
  updateCase('rows of a wider tensor', {
    tokens: 3,
    source: { kind: 'rows', inner: 128, first: 16 },
    xStride: 400,
    rStride: 320,
    cols: 256,
  }),
  updateCase('shares', { tokens: 18, ...shares(147), repeats: true, cols: 0 }),
  updateCase('shares, paper form', { tokens: 95, ...shares(49), rStride: 384, cols: 0 }),
  updateCase('fewer shares than threads for them', { tokens: 2, ...shares(3), cols: 4 }),
  updateCase('self-attention', { tokens: 18, ...attention, cols: 128 }),
  updateCase('self-attention, paper form', { tokens: 95, ...attention, cols: 128 }),
  updateCase('self-attention', { tokens: 5, images: 3, ...attention, cols: 64 }),
  updateCase('shares, constant tokens', { tokens: 4, images: 2, ...shares(9), repeats: true, cols: 128 }),
  updateCase('a product in shares', { tokens: 18, source: product(64), cols: 1024 }),
  updateCase('a product in shares', { tokens: 5, images: 3, source: product(8), cols: 384 }),
  updateCase('a product in fewer shares than threads for them', { tokens: 4, source: product(2), cols: 0 }),
  updateCase('a product in shares', { tokens: 6, source: product(16), cols: 128 }, 'f16'),
  updateCase('one token', { tokens: 1, ...attention, cols: 512 }),
  updateCase('MLP', { tokens: 6, source: rows, cols: 384 }, 'f16'),
  updateCase('shares', { tokens: 6, ...shares(30), cols: 128 }, 'f16'),
  ...[
    updateCase('MLP', { tokens: 3, source: rows, cols: 1024 }, 'f32', tokenUpdateSmall),
    updateCase('shares', { tokens: 3, images: 2, ...shares(14), repeats: true, cols: 0 }, 'f32', tokenUpdateSmall),
    updateCase('self-attention', { tokens: 95, ...attention, cols: 128 }, 'f32', tokenUpdateSmall),
    updateCase('a product in shares', { tokens: 3, source: product(4), cols: 64 }, 'f32', tokenUpdateSmall),
    updateCase('few columns', { tokens: 3, ...shares(5), cols: 64 }, 'f32', tokenUpdateSmall),
  ].map((one) => ({ ...one, name: `${one.name}, a wave a token` })),
];
