/** Cases of every kernel that computes an hourglass's convolution with what stands around it. */
import { type ConvShape, packConv } from '../../src/kernels/conv/role.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { relu } from './float64.ts';
import { FLOAT16, FLOAT32, type KernelCase, randomValues, runKernel, runKernelTwice } from './run.ts';
import { featuresOf, numbersOf, rounded, stored } from './storage.ts';

/** A value of a map of channels-last pixels; zero outside. */
type At = (y: number, x: number, channel: number) => number;

const mapOf = (values: ArrayLike<number>, side: number, channels: number): At => {
  return (y, x, channel) => (y < 0 || x < 0 || y >= side || x >= side ? 0 : (values[(y * side + x) * channels + channel] as number));
};

/** torch.nn.MaxPool2d(2) */
const pooled = (map: At): At => {
  return (y, x, c) => Math.max(map(2 * y, 2 * x, c), map(2 * y, 2 * x + 1, c), map(2 * y + 1, 2 * x, c), map(2 * y + 1, 2 * x + 1, c));
};

/** torch.nn.Conv2d with `kernel / 2` rows and columns of zeros around. */
function convolved(map: At, { side, inner, kernel, stride = 1 }: ConvShape, weight: Float32Array, n: number, y: number, x: number): number {
  const reach = (kernel - 1) / 2;
  let sum = 0;
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      const [row, column] = [stride * y + dy, stride * x + dx];
      if (row < 0 || column < 0 || row >= stride * side || column >= stride * side) continue;
      const tap = (dy + reach) * kernel + dx + reach;
      for (let k = 0; k < inner; k++) sum += map(row, column, k) * (weight[(n * inner + k) * kernel * kernel + tap] as number);
    }
  return sum;
}

/** Random inputs of a shape, all images' after one another. */
function inputsOf({ images = 1, side, inner, cols, kernel, stride = 1, pool, residual }: ConvShape) {
  const [xSide, rSide] = [pool ? 2 * side : stride * side, residual === 'pooled' ? 2 * side : side];
  return {
    x: randomValues(images * xSide * xSide * inner, 1),
    weight: randomValues(cols * inner * kernel ** 2, 2).map((v) => (v * 3) / Math.sqrt(inner * kernel ** 2)),
    b: randomValues(cols, 3),
    s: randomValues(2 * inner, 4),
    r: randomValues(images * rSide * rSide * cols, 5),
    c: randomValues(Math.max(4, (images * side * side * cols) / 4), 6),
  };
}

/** One image's output; of one in shares what they add up to. */
function expectedOf(shape: ConvShape, { x, weight, b, s, r, c }: ReturnType<typeof inputsOf>): Float64Array {
  const { side, inner, cols, stride = 1, preactivation = false, pool = false, shares = 1 } = shape;
  const { residual = 'none', coarse = false } = shares > 1 ? {} : shape;
  const read = pool ? pooled(mapOf(x, 2 * side, inner)) : mapOf(x, stride * side, inner);
  const source: At = preactivation ? (y, x, k) => relu(read(y, x, k) * (s[k] as number) + (s[inner + k] as number)) : read;
  const added = residual === 'pooled' ? pooled(mapOf(r, 2 * side, cols)) : mapOf(r, side, cols);
  const low = mapOf(c, side / 2, cols);
  return Float64Array.from({ length: side * side * cols }, (_, i) => {
    const [n, py, px] = [i % cols, Math.floor(i / cols / side), Math.floor(i / cols) % side];
    const product = convolved(source, shape, weight, n, py, px);
    if (shares > 1) return product;
    const sum = product + (b[n] as number);
    const activated = shape.relu ? relu(sum) : sum;
    return activated + (residual === 'none' ? 0 : added(py, px, n)) + (coarse ? low(py >> 1, px >> 1, n) : 0);
  });
}

function convCase(kernel: Kernel<ConvShape>, name: string, shape: ConvShape): KernelCase {
  const { images = 1, side, inner, cols, residual = 'none', shares = 1, dtype = 'f32', weights = 'f32' } = shape;
  const riding = [shape.stride === 2 && 'stride 2', shape.preactivation && 'preactivation', shape.pool && 'pool', shape.relu && 'ReLU'];
  riding.push(residual !== 'none' && `${residual} residual`, shape.coarse && 'coarse', images > 1 && `${images} images`);
  riding.push(shares > 1 && `${shares} shares`, dtype === 'f16' && 'float16', weights === 'f16' && 'float16 weights');
  const text = riding.filter((part) => part).join(', ');
  return {
    name: `${name}: ${shape.kernel}x${shape.kernel} of ${side} x ${side} x ${inner} to ${cols}${text ? `, ${text}` : ''}`,
    bound: dtype === 'f16' ? FLOAT16 : FLOAT32,
    ...featuresOf(dtype, weights),
    async run(device) {
      const inputs = inputsOf(shape);
      const { x, weight, b, s, r, c } = inputs;
      const w = stored(packConv(weight, shape), weights);
      const bound = { x: stored(x, dtype), w, b, s, r: stored(r, dtype), c: stored(c, dtype) };
      const count = images * side * side * cols;
      const run = shares > 1 ? runKernelTwice : runKernel;
      const y = await run(device, kernel, shape, bound, shares * count, shares > 1 ? 'f32' : dtype);
      const exact = { ...inputs, x: rounded(x, dtype), weight: rounded(weight, weights), r: rounded(r, dtype), c: rounded(c, dtype) };
      const part = (values: Float32Array<ArrayBuffer>, i: number) =>
        values.slice((i * values.length) / images, ((i + 1) * values.length) / images);
      const one = (i: number): Float64Array =>
        expectedOf(shape, { ...exact, x: part(exact.x, i), r: part(exact.r, i), c: part(exact.c, i) });
      const expected = Array.from({ length: images }, (_, i) => one(i)).flatMap((values) => [...values]);
      if (shares === 1) return { actual: numbersOf(y, dtype), expected };
      const sums = new Float32Array(y); // of each share: what is left out of one, or done in two, shows in their sum
      const whole = Float64Array.from({ length: count }, (_, i) =>
        Array.from({ length: shares }, (_, s) => sums[s * count + i] as number).reduce((a, b) => a + b),
      );
      return { actual: whole, expected };
    },
  };
}

/** The cases of every kernel that convolves one image in float32. */
export function convolutionCases(kernel: Kernel<ConvShape>): KernelCase[] {
  const of = (name: string, shape: ConvShape): KernelCase => convCase(kernel, name, shape);
  return [
    of('first of a block', { side: 28, inner: 256, cols: 128, kernel: 1, preactivation: true, relu: true }),
    of('first of a block below', { side: 14, inner: 256, cols: 128, kernel: 1, preactivation: true, pool: true, relu: true }),
    of('second of a block', { side: 14, inner: 128, cols: 128, kernel: 3, relu: true }),
    of('second of a block, the finest', { side: 56, inner: 16, cols: 64, kernel: 3, relu: true }),
    of('second of a block, the coarsest', { side: 7, inner: 128, cols: 128, kernel: 3, relu: true }),
    of('last of a block', { side: 7, inner: 128, cols: 256, kernel: 1, residual: 'same' }),
    of('last of a block below', { side: 14, inner: 128, cols: 256, kernel: 1, residual: 'pooled' }),
    of('last of the block above', { side: 28, inner: 128, cols: 256, kernel: 1, residual: 'same', coarse: true }),
    of('everything at once', {
      side: 6,
      inner: 32,
      cols: 68,
      kernel: 3,
      preactivation: true,
      pool: true,
      residual: 'pooled',
      coarse: true,
    }),
    of('ResNet, the first of a stage', { side: 28, inner: 128, cols: 64, kernel: 3, stride: 2, relu: true }),
    of('ResNet, projection', { side: 14, inner: 64, cols: 128, kernel: 1, stride: 2 }),
    of('two pixels a side', { side: 2, inner: 16, cols: 68, kernel: 3, stride: 2 }),
    of('one pixel', { side: 1, inner: 16, cols: 4, kernel: 3 }),
    of('two by two', { side: 2, inner: 16, cols: 132, kernel: 3, preactivation: true }),
  ];
}

/** The cases of those that take several images, and float16. */
export function convolutionBatchCases(kernel: Kernel<ConvShape>): KernelCase[] {
  const of = (name: string, shape: ConvShape): KernelCase => convCase(kernel, name, shape);
  const all = { inner: 32, cols: 68, preactivation: true, pool: true, residual: 'pooled', coarse: true } as const;
  const half = { dtype: 'f16', weights: 'f16' } as const;
  return [
    of('a batch of everything', { images: 3, side: 6, kernel: 3, ...all }),
    of('a batch, second of a block', { images: 2, side: 7, inner: 128, cols: 128, kernel: 3, relu: true }),
    of('a batch, last of a block', { images: 2, side: 14, inner: 32, cols: 64, kernel: 1, residual: 'same', coarse: true }),
    of('a batch, the first of a stage', { images: 2, side: 7, inner: 64, cols: 64, kernel: 3, stride: 2, relu: true }),
    of('a batch, projection', { images: 3, side: 3, inner: 32, cols: 68, kernel: 1, stride: 2 }),
    of('second of a block', { side: 14, inner: 128, cols: 128, kernel: 3, relu: true, ...half }),
    of('first of a block', { side: 14, inner: 256, cols: 128, kernel: 1, preactivation: true, pool: true, relu: true, ...half }),
    of('a batch of everything', { images: 2, side: 6, kernel: 3, ...all, ...half }),
    of('second of a block', { side: 7, inner: 128, cols: 64, kernel: 3, relu: true, weights: 'f16' }),
  ];
}

/** Convolutions in shares of their inner index; what is told to be added is not, until they are summed. */
export function convolutionShareCases(kernel: Kernel<ConvShape>): KernelCase[] {
  const of = (name: string, shape: ConvShape): KernelCase => convCase(kernel, name, shape);
  return [
    of('second of a block', { side: 14, inner: 128, cols: 64, kernel: 3, relu: true, shares: 12 }),
    of('second of a block, the coarsest', { side: 7, inner: 32, cols: 68, kernel: 3, relu: true, shares: 18, images: 2 }),
    of('first of a block below', { side: 14, inner: 256, cols: 128, kernel: 1, preactivation: true, pool: true, relu: true, shares: 4 }),
    of('last of a block', { side: 7, inner: 128, cols: 64, kernel: 1, residual: 'same', shares: 2, dtype: 'f16', weights: 'f16' }),
  ];
}

/** Sums of shares, with all that rides on a convolution, and the same bits when they are made again. */
export function convolutionSumCases(kernel: Kernel<ConvShape>): KernelCase[] {
  const of = (shape: ConvShape & { shares: number }): KernelCase => {
    const { images = 1, side, cols, shares, relu: isRelu, residual = 'none', coarse = false, dtype = 'f32' } = shape;
    const count = images * side * side * cols;
    return {
      name: `${shares} shares of ${images} x ${side} x ${side} x ${cols}, ${isRelu ? 'ReLU, ' : ''}residual ${residual}${coarse ? ', coarse' : ''}, ${dtype}`,
      bound: dtype === 'f16' ? FLOAT16 : FLOAT32,
      ...featuresOf(dtype),
      async run(device) {
        const { b, r, c } = inputsOf(shape);
        const x = randomValues(shares * count, 9);
        const bound = { x, b, r: stored(r, dtype), c: stored(c, dtype) };
        const y = await runKernelTwice(device, kernel, shape, bound, count, dtype);
        const part = (values: Float32Array<ArrayBuffer>, i: number) =>
          values.slice((i * values.length) / images, ((i + 1) * values.length) / images);
        const expected = Array.from({ length: images }, (_, image) => {
          const [fine, low] = [rounded(part(r, image), dtype), mapOf(rounded(part(c, image), dtype), side / 2, cols)];
          const added = residual === 'pooled' ? pooled(mapOf(fine, 2 * side, cols)) : mapOf(fine, side, cols);
          return Array.from({ length: side * side * cols }, (_, i) => {
            const [n, py, px] = [i % cols, Math.floor(i / cols / side), Math.floor(i / cols) % side];
            const at = image * side * side * cols + i;
            const sum = Array.from({ length: shares }, (_, s) => x[s * count + at] as number).reduce((p, q) => p + q) + (b[n] as number);
            return (isRelu ? relu(sum) : sum) + (residual === 'none' ? 0 : added(py, px, n)) + (coarse ? low(py >> 1, px >> 1, n) : 0);
          });
        });
        return { actual: numbersOf(y, dtype), expected: expected.flat() };
      },
    };
  };
  const all = { inner: 128, kernel: 3 } as const;
  return [
    of({ ...all, side: 14, cols: 64, shares: 12, relu: true }),
    of({ ...all, side: 6, cols: 68, shares: 4, residual: 'pooled', coarse: true, images: 3 }),
    of({ ...all, side: 7, cols: 64, shares: 18, residual: 'same' }),
    of({ ...all, side: 6, cols: 64, shares: 2, residual: 'same', coarse: true, dtype: 'f16' }),
  ];
}
