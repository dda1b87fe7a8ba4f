/** Mutated PyTorch files by the hundred: only our error class, no hang, nothing larger than the file. `npm run fuzz` makes it tens of thousands. */
import { expect, it } from 'vitest';
import { chooseStateDict, torchCheckpoint } from '../../../cli/convert/state.ts';
import { openTorch } from '../../../cli/convert/torch.ts';
import { FaceXFormerError } from '../../../src/gpu/errors.ts';
import { dice } from '../../checkpoint/files.ts';
import { inMemory } from './in-memory.ts';
import { mutatedTorchFile } from './mutate.ts';

const PICKLES = Number(process.env.FUZZ_PICKLES ?? 500);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

it(`${PICKLES} mutated PyTorch files are refused with our error or read`, { timeout: 3_600_000 }, async () => {
  const random = dice(SEED);
  let taken = 0;
  let slowest = 0;
  for (let i = 0; i < PICKLES; i++) {
    const file = mutatedTorchFile(random);
    const start = process.cpuUsage();
    try {
      const torch = await openTorch(inMemory(file, 'mutated.pt'));
      let length = 0;
      for await (const { info, data } of torchCheckpoint(torch, chooseStateDict(torch.root)).read()) {
        expect(data.length).toBe(info.bytes);
        length += data.length;
      }
      expect(length).toBeLessThanOrEqual(16 * file.length + 65536);
      taken++;
    } catch (error) {
      if (!(error instanceof FaceXFormerError) || !/^(BAD_WEIGHTS_FILE|WRONG_WEIGHTS)$/.test(error.code))
        throw new Error(`file ${i} of seed ${SEED}`, { cause: error });
    }
    slowest = Math.max(slowest, process.cpuUsage(start).user / 1e6);
  }
  expect(taken / PICKLES).toBeGreaterThan(0.02);
  expect(taken / PICKLES).toBeLessThan(0.6);
  expect(slowest).toBeLessThan(2);
});
