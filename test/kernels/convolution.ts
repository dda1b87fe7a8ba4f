/** Cases of every kernel that computes an hourglass's convolution with what stands around it. */
import { type ConvShape, packConv } from '../../src/kernels/conv.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { relu } from './float64.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

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
function convolved(map: At, { side, inner, kernel }: ConvShape, weight: Float32Array, n: number, y: number, x: number): number {
  const reach = (kernel - 1) / 2;
  let sum = 0;
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      if (y + dy < 0 || x + dx < 0 || y + dy >= side || x + dx >= side) continue;
      const tap = (dy + reach) * kernel + dx + reach;
      for (let k = 0; k < inner; k++) sum += map(y + dy, x + dx, k) * (weight[(n * inner + k) * kernel * kernel + tap] as number);
    }
  return sum;
}

function convCase(kernel: Kernel<ConvShape>, name: string, shape: ConvShape): KernelCase {
  const { side, inner, cols, preactivation = false, pool = false, residual = 'none', coarse = false } = shape;
  const riding = [preactivation && 'preactivation', pool && 'pool', shape.relu && 'ReLU', residual !== 'none' && `${residual} residual`];
  const text = [...riding, coarse && 'coarse'].filter((part) => part).join(', ');
  return {
    name: `${name}: ${shape.kernel}x${shape.kernel} of ${side} x ${side} x ${inner} to ${cols}${text ? `, ${text}` : ''}`,
    bound: FLOAT32,
    async run(device) {
      const xSide = pool ? 2 * side : side;
      const rSide = residual === 'pooled' ? 2 * side : side;
      const x = randomValues(xSide * xSide * inner, 1);
      const weight = randomValues(cols * inner * shape.kernel ** 2, 2).map((v) => (v * 3) / Math.sqrt(inner * shape.kernel ** 2));
      const b = randomValues(cols, 3);
      const s = randomValues(2 * inner, 4);
      const r = randomValues(rSide * rSide * cols, 5);
      const c = randomValues(Math.max(4, (side * side * cols) / 4), 6);
      const y = await runKernel(device, kernel, shape, { x, w: packConv(weight, shape), b, s, r, c }, side * side * cols);
      const read = pool ? pooled(mapOf(x, xSide, inner)) : mapOf(x, xSide, inner);
      const source: At = preactivation ? (y, x, k) => relu(read(y, x, k) * (s[k] as number) + (s[inner + k] as number)) : read;
      const added = residual === 'pooled' ? pooled(mapOf(r, rSide, cols)) : mapOf(r, rSide, cols);
      const low = mapOf(c, side / 2, cols);
      const expected = Float64Array.from({ length: side * side * cols }, (_, i) => {
        const [n, py, px] = [i % cols, Math.floor(i / cols / side), Math.floor(i / cols) % side];
        const sum = convolved(source, shape, weight, n, py, px) + (b[n] as number);
        const activated = shape.relu ? relu(sum) : sum;
        return activated + (residual === 'none' ? 0 : added(py, px, n)) + (coarse ? low(py >> 1, px >> 1, n) : 0);
      });
      return { actual: new Float32Array(y), expected };
    },
  };
}

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
    of('one pixel', { side: 1, inner: 16, cols: 4, kernel: 3 }),
    of('two by two', { side: 2, inner: 16, cols: 132, kernel: 3, preactivation: true }),
  ];
}
