/** Reference runs of the official code: one picture, one box, seeded weights, and every output as float64 gave it. */
import { existsSync, readFileSync } from 'node:fs';
import { root } from './load.mjs';

/** The whole files where they lie beside the project, else the project's own, whose large tensors are thinned. */
const folder = [`${root}../shared/fixtures/`, `${root}test/fixtures/`].find((path) => existsSync(`${path}astronaut-face.safetensors`));

const FILE = { released: 'astronaut-face.safetensors', paper: 'astronaut-face-paper.safetensors' };
export const FORMS = Object.keys(FILE);
export const SEED = 20240319;
/** The picture of the reference runs, and the box that was cut out. */
export const PICTURE = `${root}test/fixtures/astronaut.png`;
export const BOX = { x0: 157, y0: 37, x1: 293, y1: 229 };

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** `pixels` [1, 3, 224, 224] and, by output's name, `{ shape, step, values }`: elements 0, step, 2 step, ... of a tensor of that shape. */
export function reference(form) {
  const bytes = readFileSync(folder + FILE[form]);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.toString('utf8', 8, start));
  const thinned = JSON.parse(metadata.thinned ?? '{}');
  const data = (name) => Uint8Array.from(bytes.subarray(...tensors[name].data_offsets.map((offset) => start + offset)));
  const outputs = new Map();
  for (const name of Object.keys(tensors).filter((one) => one.startsWith('output.')))
    outputs.set(name.slice('output.'.length), {
      ...(thinned[name] ?? { shape: tensors[name].shape, step: 1 }),
      values: new Float32Array(data(name).buffer),
    });
  return { pixels: normalised(data('resized')), outputs };
}

/** As torchvision does it, in float32: [224, 224, 3] bytes to [1, 3, 224, 224]. */
function normalised(rgb) {
  const { fround } = Math;
  const plane = rgb.length / 3;
  const at = (c, i) => fround(fround(fround(rgb[3 * i + c] / 255) - fround(MEAN[c])) / fround(STD[c]));
  return Float32Array.from({ length: rgb.length }, (_, n) => at(Math.floor(n / plane), n % plane));
}

/** Normalised mean squared error, sum((a - b)^2) / sum(b^2), over every `step`-th number of `a`. */
export function nmse(a, b, step = 1) {
  if (Math.ceil(a.length / step) !== b.length) throw new RangeError(`every ${step} of ${a.length} numbers against ${b.length}`);
  let [error, power] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error += (a[i * step] - b[i]) ** 2;
    power += b[i] ** 2;
  }
  return error / power;
}
