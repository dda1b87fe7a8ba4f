/** Reference runs of the official code: safetensors files of `pixels` and `output.*`, looked for beside the checkout. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { root } from './load.mjs';

/** Folder of the reference runs, from FACEXFORMER_FIXTURES or the neighbour folder `shared`; undefined where there is none. */
export const fixturesFolder = [process.env.FACEXFORMER_FIXTURES, `${root}../shared/fixtures`].find((path) => path && existsSync(path));

export const SEED = 20240319;
export const FIXTURE = { released: 'astronaut-face.safetensors', paper: 'astronaut-face-paper.safetensors' };

/** The float32 tensors of one reference run by name: `{ shape, data }`. */
export async function readFixture(file) {
  if (!fixturesFolder) throw new Error('No reference runs found: set FACEXFORMER_FIXTURES to their folder.');
  const bytes = await readFile(`${fixturesFolder}/${file}`);
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, dataStart).toString());
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (dtype !== 'F32') continue;
    const data = new Float32Array(Uint8Array.from(bytes.subarray(dataStart + offsets[0], dataStart + offsets[1])).buffer);
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/** Normalised mean squared error, sum((a - b)^2) / sum(b^2). */
export function nmse(a, b) {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers against ${b.length}`);
  let [error, power] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error += (a[i] - b[i]) ** 2;
    power += b[i] ** 2;
  }
  return error / power;
}
