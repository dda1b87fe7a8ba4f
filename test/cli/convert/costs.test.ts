import { describe, expect, it } from 'vitest';
import { chooseStateDict, torchCheckpoint } from '../../../cli/convert/state.ts';
import { isTorch, openTorch } from '../../../cli/convert/torch.ts';
import { FaceXFormerError } from '../../../src/gpu/errors.ts';
import { expectLinearCost } from '../../cost.ts';
import { COSTS } from './costs.ts';
import { inMemory } from './in-memory.ts';

/** Reads all that can be read; our error is an end as good as any. */
async function read(file: Uint8Array): Promise<void> {
  try {
    const bytes = inMemory(file);
    expect(await isTorch(bytes)).toBe(true);
    const torch = await openTorch(bytes);
    for await (const { info, data } of torchCheckpoint(torch, chooseStateDict(torch.root)).read()) expect(data.length).toBe(info.bytes);
  } catch (error) {
    if (!(error instanceof FaceXFormerError)) throw error;
    expect(error.message.length).toBeLessThan(3000);
  }
}

describe('the PyTorch reader’s cost grows no faster than the file, for', () => {
  it.each(Object.entries(COSTS))('%s', (_, generate) => expectLinearCost(generate, read));
});
