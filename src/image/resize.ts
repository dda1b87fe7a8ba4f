/**
 * The resize of the official preprocessing: Pillow's antialiased bicubic resize of 8-bit pictures, which is integer arithmetic and
 * is met here bit for bit. Tables are made on the CPU in float64, as Pillow makes them; the kernel `resize` applies them.
 * Source: Pillow, libImaging/Resample.c (precompute_coeffs, ImagingResampleHorizontal_8bpc); torchvision's ToTensor and Normalize.
 */

/** Side of the network's input in pixels, where nothing says another. */
export const SIZE = 224;
/** Largest crop side, in pixels: WebGPU's default limit on a texture's side. */
export const MAX_CROP = 8192;
/** Weights are integers: 2^22 is one. */
export const PRECISION_BITS = 22;
/** Half the width of the cubic, in output pixels when reducing. */
const CUBIC_SUPPORT = 2;

/** One axis of the resize: output `i` is the sum over `t < taps` of `weights[t * to + i] * source[first[i] + t]`, rounded. */
export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly taps: number;
  readonly first: Int32Array;
  /** [taps, to]; 0 where a tap is not used, which is always so where it would lie outside the source. */
  readonly weights: Int32Array;
}

/** Keys' cubic convolution kernel with a = -0.5. */
function cubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < CUBIC_SUPPORT) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/** The weights that make `to` samples of `from`. Where both are equal they are the identity, exactly, as when Pillow skips the pass. */
export function axis(from: number, to: number = SIZE): Axis {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const support = CUBIC_SUPPORT * filterScale;
  const low = (i: number): number => Math.max(Math.trunc((i + 0.5) * scale - support + 0.5), 0);
  const high = (i: number): number => Math.min(Math.trunc((i + 0.5) * scale + support + 0.5), from);
  let taps = 0;
  for (let i = 0; i < to; i++) taps = Math.max(taps, high(i) - low(i));
  const first = new Int32Array(to);
  const weights = new Int32Array(taps * to);
  const real = new Float64Array(taps);
  for (let i = 0; i < to; i++) {
    const start = low(i);
    const count = high(i) - start;
    let sum = 0;
    for (let t = 0; t < count; t++) sum += real[t] = cubic((t + start - (i + 0.5) * scale + 0.5) * (1 / filterScale));
    first[i] = start;
    for (let t = 0; t < count; t++) weights[t * to + i] = fixedPoint((real[t] as number) / sum);
  }
  return { from, to, taps, first, weights };
}

const fixedPoint = (weight: number): number => Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5));

/** Pictures that a frame takes, and one table serves: more would not run faster a picture, and their buffers grow with them. Larger ones than SIZE are fewer. */
export const MOST_IMAGES = 8;
/** Elements that any crop's part of the table fits in: two axes of `MAX_CROP` pixels. */
const partOf = (side: number): number => 2 + 2 * side * (1 + 2 * Math.ceil((CUBIC_SUPPORT * MAX_CROP) / side) + 1);

/** Bytes of the buffer that holds the table of any `MOST_IMAGES` crops, which are resized to `side`. */
export const tableBytes = (side = SIZE): number => 4 * MOST_IMAGES * (1 + partOf(side));

/** The table's header: where each image's part begins, in elements. */
export const partsOfTable = (side = SIZE): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: MOST_IMAGES }, (_, image) => MOST_IMAGES + image * partOf(side));

/** An image's part of the table, both axes as the kernel `resize` reads them: taps of x, taps of y; first of x, weights of x; first of y, weights of y. */
export function resizeTable(x: Axis, y: Axis): Int32Array<ArrayBuffer> {
  const table = new Int32Array(2 + x.to * (1 + x.taps) + y.to * (1 + y.taps));
  table.set([x.taps, y.taps]);
  table.set(x.first, 2);
  table.set(x.weights, 2 + x.to);
  table.set(y.first, 2 + x.to * (1 + x.taps));
  table.set(y.weights, 2 + x.to * (1 + x.taps) + y.to);
  return table;
}

const IMAGENET_MEAN = [0.485, 0.456, 0.406];
const IMAGENET_STD = [0.229, 0.224, 0.225];

/** [3, 256] float32: what a byte of each channel becomes. Every step is rounded to float32, as PyTorch rounds it. */
export function normaliseLookup(): Float32Array<ArrayBuffer> {
  const lookup = new Float32Array(3 * 256);
  for (let c = 0; c < 3; c++)
    for (let v = 0; v < 256; v++) {
      const centred = Math.fround(Math.fround(v / 255) - Math.fround(IMAGENET_MEAN[c] as number));
      lookup[c * 256 + v] = centred / Math.fround(IMAGENET_STD[c] as number);
    }
  return lookup;
}

/** Bytes of red, green and blue, pixel after pixel, as the numbers that the network reads, colour after colour: [3, pixels] */
export function normalised(rgb: Uint8Array): Float32Array<ArrayBuffer> {
  const lookup = normaliseLookup();
  const pixels = rgb.length / 3;
  return new Float32Array(rgb.length).map((_, i) => {
    const colour = Math.floor(i / pixels);
    return lookup[256 * colour + (rgb[3 * (i % pixels) + colour] as number)] as number;
  });
}
