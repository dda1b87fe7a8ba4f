/** The fixture of the whole preprocessing: a portrait, its box, and what PyTorch made of them. */
import { existsSync, readFileSync } from 'node:fs';
import { PNG } from 'pngjs';

/** The full fixtures, where they are beside the project, else the project's own. */
const folder = ['../../../shared/fixtures/', '../fixtures/'].map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));

export const fixtureUrl = (file: string): URL => new URL(file, folder);

/** One tensor's bytes from a safetensors file of the fixtures. */
export function fixtureTensor(file: string, name: string): Uint8Array {
  const bytes = readFileSync(fixtureUrl(file));
  const header = Number(bytes.readBigUInt64LE(0));
  const [begin, end] = JSON.parse(bytes.toString('utf8', 8, 8 + header))[name].data_offsets as [number, number];
  return new Uint8Array(bytes.subarray(8 + header + begin, 8 + header + end));
}

export interface Rgba {
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

export function fixturePicture(file: string): Rgba {
  const { data, width, height } = PNG.sync.read(readFileSync(fixtureUrl(file)));
  return { data: new Uint8Array(data), width, height };
}

/** The box of `astronaut-face.safetensors`. */
export const FACE = { x0: 157, y0: 37, x1: 293, y1: 229 };

/** The pixels of a box. */
export function cropOf({ data, width }: Rgba, { x0, y0, x1, y1 }: typeof FACE): Rgba {
  const out = new Uint8Array((x1 - x0) * (y1 - y0) * 4);
  for (let y = y0; y < y1; y++) out.set(data.subarray((y * width + x0) * 4, (y * width + x1) * 4), (y - y0) * (x1 - x0) * 4);
  return { data: out, width: x1 - x0, height: y1 - y0 };
}
