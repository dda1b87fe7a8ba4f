/** Reference runs of the official code: one picture, one box, seeded weights, and every output as float64 gave it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Form } from '../src/checkpoint/manifest.ts';
import { root } from '../src/cli/root.ts';

/** Elements 0, step, 2 step, ... of a tensor of that shape. */
export interface Expected {
  readonly shape: readonly number[];
  readonly step: number;
  readonly values: Float32Array;
}

/** The whole files where they lie beside the project, else the project's own, whose large tensors are thinned. */
const folder = [join(root, '../shared/fixtures'), join(root, 'test/fixtures')].find((path) =>
  existsSync(join(path, 'astronaut-face.safetensors')),
);

const FILE: Readonly<Record<Form, string>> = { released: 'astronaut-face.safetensors', paper: 'astronaut-face-paper.safetensors' };
export const SEED = 20240319;
/** The picture of the reference runs, and the box that was cut out. */
export const PICTURE = join(root, 'test/fixtures/astronaut.png');
export const BOX = { x0: 157, y0: 37, x1: 293, y1: 229 };

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

interface Header {
  readonly [name: string]: { readonly shape: number[]; readonly data_offsets: readonly [number, number] };
}

/** `pixels` [1, 3, 224, 224] as the network was given them, and the outputs by name. */
export function reference(form: Form): { pixels: Float32Array; outputs: Map<string, Expected> } {
  if (!folder) throw new Error('The reference runs are missing: test/fixtures has none.');
  const bytes = readFileSync(join(folder, FILE[form]));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as { __metadata__: Record<string, string> };
  const { __metadata__: metadata, ...tensors } = header;
  const thinned = JSON.parse(metadata['thinned'] ?? '{}') as Record<string, { shape: number[]; step: number }>;
  const outputs = new Map<string, Expected>();
  let resized = new Uint8Array();
  for (const [
    name,
    {
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries(tensors as Header)) {
    const data = Uint8Array.from(bytes.subarray(start + from, start + to));
    if (name === 'resized') resized = data;
    if (name.startsWith('output.'))
      outputs.set(name.slice('output.'.length), { ...(thinned[name] ?? { shape, step: 1 }), values: new Float32Array(data.buffer) });
  }
  return { pixels: normalised(resized), outputs };
}

/** As torchvision does it, in float32: [224, 224, 3] bytes to [1, 3, 224, 224]. */
function normalised(rgb: Uint8Array): Float32Array {
  const { fround } = Math;
  const plane = rgb.length / 3;
  const at = (c: number, i: number) =>
    fround(fround(fround((rgb[3 * i + c] as number) / 255) - fround(MEAN[c] as number)) / fround(STD[c] as number));
  return Float32Array.from({ length: rgb.length }, (_, n) => at(Math.floor(n / plane), n % plane));
}

/** Normalised mean squared error, sum((a - b)^2) / sum(b^2), over every `step`-th number of `a`. */
export function nmse(a: ArrayLike<number>, b: ArrayLike<number>, step = 1): number {
  if (Math.ceil(a.length / step) !== b.length) throw new RangeError(`every ${step} of ${a.length} numbers against ${b.length}`);
  let [error, power] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error += ((a[i * step] as number) - (b[i] as number)) ** 2;
    power += (b[i] as number) ** 2;
  }
  return error / power;
}
