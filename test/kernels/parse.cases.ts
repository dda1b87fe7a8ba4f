import { type ParseShape, packUpscale, parse, parseByColumn, parseInTime, parseSmall } from '../../src/kernels/parse.ts';
import { dot, gelu, nestedRow, rowsOf } from './float64.ts';
import { type KernelCase, randomValues, runKernel } from './run.ts';
import { featuresOf, rounded, stored } from './storage.ts';
import { layerNorm } from './streams.ts';

const EPS = 1e-6;

interface Traits {
  /** Every second class is the same as the one before it, which wins. */
  twins?: boolean;
  /** A row of x that holds no numbers. */
  lost?: number;
}

function parseCase(kernel: typeof parse, name: string, shape: Omit<ParseShape, 'eps'>, { twins, lost }: Traits = {}): KernelCase {
  const { side, classes, images = 1, logits = false, dtype = 'f32' } = shape;
  const wide = 4 * side;
  return {
    name: `${name}: ${images} x side ${side}, ${classes} classes, ${logits ? 'products' : 'classes'}${dtype === 'f16' ? ', float16' : ''}`,
    bound: logits ? { nmse: 1e-11 } : 'exact',
    ...featuresOf(dtype),
    async run(device) {
      const x = randomValues(images * 4 * side * side * 64, 1);
      if (lost !== undefined) x[lost * 64 + 5] = Number.NaN;
      const weight = randomValues(64 * 32 * 4, 2).map((v) => v / 4);
      const [g, beta, b] = [randomValues(64, 3), randomValues(64, 4), randomValues(32, 5)];
      const h = randomValues(images * classes * 32, 6);
      if (twins) for (let c = 1; c < images * classes; c += 2) h.copyWithin(c * 32, (c - 1) * 32, c * 32);
      const w = new Float32Array(64 * 128);
      packUpscale(weight, w);
      const inputs = { x: stored(x, dtype), n: Float32Array.of(...g, ...beta, ...b), w: stored(w, dtype), h };
      const length = logits ? images * classes * wide * wide : (images * wide * wide) / 4;
      const y = await runKernel(device, kernel, { ...shape, eps: EPS }, inputs, length);
      const z = layerNorm(rounded(x, dtype), g, beta, EPS).map(gelu);
      const products = productsOf(rowsOf(z, 64), rounded(weight, dtype), b, rowsOf(h, 32), side, images);
      if (logits) return { actual: new Float32Array(y), expected: products };
      return { actual: new Uint8Array(y), expected: highest(products, images, classes, wide * wide) };
    },
  };
}

/** [images][classes][4 side, 4 side]: each pixel's upscaled 32 channels times each class's. */
function productsOf(
  z: Float64Array[],
  weight: Float32Array,
  b: Float32Array,
  h: Float64Array[],
  side: number,
  images: number,
): Float64Array {
  const [wide, classes] = [4 * side, h.length / images];
  const out = new Float64Array(images * classes * wide * wide);
  for (let image = 0; image < images; image++)
    for (let p = 0; p < wide * wide; p++) {
      const [y, x] = [Math.floor(p / wide), p % wide];
      const row = z[image * 4 * side * side + nestedRow(side, y >> 1, x >> 1, 1)] as Float64Array;
      const quarter = (y & 1) * 2 + (x & 1);
      const u = Array.from(b, (bias, o) => gelu(row.reduce((sum, v, k) => sum + v * (weight[(k * 32 + o) * 4 + quarter] as number), bias)));
      for (let c = 0; c < classes; c++) out[(image * classes + c) * wide * wide + p] = dot(h[image * classes + c] as Float64Array, u);
    }
  return out;
}

/** The lowest class of the highest product at each pixel, 255 where they are no numbers; [images][pixels] bytes. */
function highest(products: Float64Array, images: number, classes: number, pixels: number): Uint8Array {
  return Uint8Array.from({ length: images * pixels }, (_, i) => {
    const at = (c: number) => products[(Math.floor(i / pixels) * classes + c) * pixels + (i % pixels)] as number;
    let best = 0;
    for (let c = 1; c < classes; c++) if (at(c) > at(best)) best = c;
    return Number.isFinite(at(0)) ? best : 255;
  });
}

export const cases: KernelCase[] = [
  parseCase(parse, 'the model', { side: 56, classes: 11 }),
  parseCase(parse, 'the model', { side: 56, classes: 11, logits: true }),
  parseCase(parse, 'a tail', { side: 3, classes: 11, logits: true }),
  parseCase(parse, 'a tail', { side: 3, classes: 11 }),
  parseCase(parse, 'the lowest of equals', { side: 4, classes: 10 }, { twins: true }),
  parseCase(parseSmall, 'the lowest of equals', { side: 3, classes: 4, images: 2 }, { twins: true }),
  parseCase(parse, 'no class where there is no number', { side: 5, classes: 11 }, { lost: 42 }),
  parseCase(parse, 'one position', { side: 1, classes: 1 }),
  parseCase(parse, 'two images', { side: 5, classes: 4, images: 2 }),
  parseCase(parse, 'two images', { side: 5, classes: 4, images: 2, logits: true }),
  parseCase(parse, 'in halves', { side: 7, classes: 11, logits: true, dtype: 'f16' }),
  parseCase(parseInTime, 'steps in time', { side: 5, classes: 11, logits: true }),
  parseCase(parseByColumn, 'columns', { side: 5, classes: 11, images: 2 }, { lost: 42 }),
  parseCase(parseByColumn, 'columns', { side: 5, classes: 11, logits: true }),
  parseCase(parseByColumn, 'columns', { side: 3, classes: 4, logits: true, dtype: 'f16' }),
  parseCase(parseSmall, 'a row a thread', { side: 5, classes: 11, images: 2 }),
  parseCase(parseSmall, 'a row a thread', { side: 5, classes: 11, logits: true }),
];
