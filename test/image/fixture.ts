/** The fixture of the whole preprocessing: the portrait's pixels, and the face's crop of them. */
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { fixture, portrait } from '../fixtures.ts';

export interface Rgba {
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

export const face = fixture('astronaut-face');

export function portraitPixels(): Rgba {
  const { data, width, height } = PNG.sync.read(readFileSync(portrait));
  return { data: new Uint8Array(data), width, height };
}

/** The pixels of a box. */
export function cropOf({ data, width }: Rgba, { x0, y0, x1, y1 }: typeof face.box): Rgba {
  const out = new Uint8Array((x1 - x0) * (y1 - y0) * 4);
  for (let y = y0; y < y1; y++) out.set(data.subarray((y * width + x0) * 4, (y * width + x1) * 4), (y - y0) * (x1 - x0) * 4);
  return { data: out, width: x1 - x0, height: y1 - y0 };
}

/** The floats' bits, every `step`-th: equality that tells -0 from 0 and passes no NaN off as a number. */
export function bits(values: Float32Array, step: number): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length).filter((_, i) => i % step === 0);
}
