/** Mutated files by the thousand: only our error class, no hang. `npm run fuzz` makes it hundreds of thousands. */
import { expect, it } from 'vitest';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { dice, parseHeader } from './files.ts';
import { mutatedFile } from './mutate.ts';

const HEADERS = Number(process.env.FUZZ_HEADERS ?? 5000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

it(`${HEADERS} mutated safetensors files are refused with our error or read as they say`, { timeout: 3_600_000 }, () => {
  const random = dice(SEED);
  let taken = 0;
  let slowest = 0;
  for (let i = 0; i < HEADERS; i++) {
    const file = mutatedFile(random);
    const start = process.cpuUsage();
    try {
      const header = parseHeader(file, file.length);
      taken++;
      // What the strict reader takes, JSON.parse must read alike.
      const json = JSON.parse(new TextDecoder().decode(file.subarray(8, header.dataStart)));
      for (const { name, dtype, shape, offset, bytes } of header.tensors.values())
        expect(Object.getOwnPropertyDescriptor(json, name)?.value).toEqual({ dtype, shape, data_offsets: [offset, offset + bytes] });
      expect(header.dataStart + header.dataBytes).toBe(file.length);
    } catch (error) {
      if (!(error instanceof FaceXFormerError) || error.code !== 'BAD_WEIGHTS_FILE')
        throw new Error(`file ${i} of seed ${SEED}`, { cause: error });
    }
    slowest = Math.max(slowest, process.cpuUsage(start).user / 1e6);
  }
  // Both sides must be well represented, or the mutator tests nothing.
  expect(taken / HEADERS).toBeGreaterThan(0.05);
  expect(taken / HEADERS).toBeLessThan(0.6);
  expect(slowest).toBeLessThan(2);
});
