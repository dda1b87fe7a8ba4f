/** Samples become red, green and blue: colours that are stored for several pixels are spread, and converted, in libjpeg's integers. */
import type { Component, Frame } from './frame.ts';

/** Writes a row of a component as wide as the picture. */
type Spread = (row: Uint8Array, y: number) => void;

/** The picture's pixels, red, green, blue and 255. */
export function paint(frame: Frame): Uint8Array<ArrayBuffer> {
  const { width, height, components } = frame;
  const data = new Uint8Array(4 * width * height).fill(255);
  const rows = components.map(() => new Uint8Array(width + 8));
  const spreads = components.map((component) => spreadOf(component, frame));
  const convert = CONVERSIONS[frame.colours];
  for (let y = 0; y < height; y++) {
    for (const [i, spread] of spreads.entries()) spread(rows[i] as Uint8Array, y);
    convert(rows, data.subarray(4 * y * width, 4 * (y + 1) * width));
  }
  return data;
}

/**
 * libjpeg's "fancy upsampling": where a sample is of two pixels, each pixel has three quarters of the nearest sample and one of the next. Of other steps, and
 * of rows of no more than two samples, it repeats.
 */
function spreadOf(component: Component, frame: Frame): Spread {
  const { samples, width, height } = component;
  const stride = 8 * component.blocksAcross;
  const [across, down] = [frame.across / component.across, frame.down / component.down];
  if (across === 1 && down === 1) return (row, y) => row.set(samples.subarray(y * stride, y * stride + width));
  if (across > 2 || down > 2 || (across === 2 && width <= 2)) {
    return (row, y) => {
      const from = Math.floor(y / down) * stride;
      for (let x = 0; x < frame.width; x++) row[x] = samples[from + Math.floor(x / across)] as number;
    };
  }
  const line = new Uint16Array(width);
  const weighDown = (y: number) => {
    const nearest = y >> 1;
    const next = Math.min(Math.max(nearest + (y % 2 === 0 ? -1 : 1), 0), height - 1);
    for (let x = 0; x < width; x++) line[x] = 3 * (samples[nearest * stride + x] as number) + (samples[next * stride + x] as number);
  };
  if (across === 1) {
    return (row, y) => {
      weighDown(y);
      for (let x = 0; x < width; x++) row[x] = ((line[x] as number) + (y % 2 === 0 ? 1 : 2)) >> 2;
    };
  }
  // What is cut off is rounded to alternate sides, so that no row or column is brighter than its neighbour.
  const [shift, even, odd] = down === 2 ? [4, 8, 7] : [2, 1, 2];
  return (row, y) => {
    if (down === 2) weighDown(y);
    else line.set(samples.subarray(y * stride, y * stride + width));
    for (let x = 0; x < width; x++) {
      const nearest = 3 * (line[x] as number);
      row[2 * x] = (nearest + (line[Math.max(x - 1, 0)] as number) + even) >> shift;
      row[2 * x + 1] = (nearest + (line[Math.min(x + 1, width - 1)] as number) + odd) >> shift;
    }
  };
}

type Convert = (rows: readonly Uint8Array[], data: Uint8Array) => void;

const CONVERSIONS: Readonly<Record<Frame['colours'], Convert>> = {
  grey: ([grey], data) => copy([grey, grey, grey] as Uint8Array[], data),
  RGB: copy,
  YCbCr: fromLuma,
  CMYK: ([cyan, magenta, yellow, black], data) => {
    for (const [channel, ink] of [cyan, magenta, yellow].entries())
      for (let x = 0; 4 * x < data.length; x++) data[4 * x + channel] = 255 - (ink?.[x] as number);
    print(black as Uint8Array, data);
  },
  YCCK: (rows, data) => {
    fromLuma(rows, data);
    print(rows[3] as Uint8Array, data);
  },
};

function copy(rows: readonly Uint8Array[], data: Uint8Array): void {
  for (const [channel, row] of rows.entries()) for (let x = 0; 4 * x < data.length; x++) data[4 * x + channel] = row[x] as number;
}

const fixed = (factor: number) => Math.floor(factor * 65536 + 0.5);
const [RED_OF_CR, BLUE_OF_CB, GREEN_OF_CB, GREEN_OF_CR] = [1.402, 1.772, 0.34414, 0.71414].map(fixed) as [number, number, number, number];
const bounded = (value: number) => Math.min(Math.max(value, 0), 255);

function fromLuma([lumas, blues, reds]: readonly Uint8Array[], data: Uint8Array): void {
  for (let x = 0; 4 * x < data.length; x++) {
    const luma = lumas?.[x] as number;
    const cb = (blues?.[x] as number) - 128;
    const cr = (reds?.[x] as number) - 128;
    data[4 * x] = bounded(luma + ((RED_OF_CR * cr + 32768) >> 16));
    data[4 * x + 1] = bounded(luma + ((32768 - GREEN_OF_CB * cb - GREEN_OF_CR * cr) >> 16));
    data[4 * x + 2] = bounded(luma + ((BLUE_OF_CB * cb + 32768) >> 16));
  }
}

/** Cyan, magenta and yellow in `data`, and what black leaves of the paper, become red, green and blue as Pillow has it. Files of inks store them inverted. */
function print(paper: Uint8Array, data: Uint8Array): void {
  for (let i = 0; i < data.length; i += 4) {
    const white = paper[i >> 2] as number;
    for (let channel = i; channel < i + 3; channel++) {
      const product = (data[channel] as number) * white + 128;
      data[channel] = white - ((product + (product >> 8)) >> 8);
    }
  }
}
