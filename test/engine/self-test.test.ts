/** What an engine does about kernels that compute wrongly. A GPU of JavaScript (test/gpu/fake.ts), whose numbers are right or wrong as a test says. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { portableTo } from '../../src/engine/choose.ts';
import { LOOKED_AT } from '../../src/graph/self-test.ts';
import type * as Kernels from '../../src/kernels/kernel.ts';
import { ROLES } from '../../src/kernels/roles.ts';
import { fakeGpu } from '../gpu/fake.ts';
import { load, picture } from './reduced.ts';

/** Kernels of which nothing that they give is right. */
const wrong = vi.hoisted(() => new Set<string>());

vi.mock('../../src/kernels/kernel.ts', async (original) => {
  const own = await original<typeof Kernels>();
  const answer = (name: string) => () => () => (wrong.has(name) ? 1e30 : Number.NaN);
  return {
    ...own,
    defineKernel: (...[name, files, launch]: Parameters<typeof own.defineKernel>) => own.defineKernel(name, files, launch, answer(name)),
  };
});

let gpu: ReturnType<typeof fakeGpu>;
beforeEach(() => {
  gpu = fakeGpu();
  LOOKED_AT.push(0);
});
afterEach(() => {
  wrong.clear();
  LOOKED_AT.length = 0;
  vi.unstubAllGlobals();
});

const kernelsOf = (engine: Awaited<ReturnType<typeof load>>) => new Set(engine.plan().dispatches.map(({ kernel }) => kernel.name));

describe('a kernel that computes wrongly', () => {
  it('is replaced by another of its role', async () => {
    const own = ROLES.desktop.matmul.kernel.name;
    const right = await load();
    expect(kernelsOf(right)).toContain(own);
    expect(right.info.fallback).toBeUndefined();
    right.dispose();
    wrong.add(own).add('sumShares');
    const engine = await load();
    expect(kernelsOf(engine)).toContain(portableTo(ROLES.desktop).matmul.kernel.name);
    expect(kernelsOf(engine)).not.toContain(own);
    expect(engine.info.fallback).toContain(`The GPU computes wrongly: the kernel ${own} gave `);
    expect((await engine.analyze(picture, { box: 'whole' })).faces).toHaveLength(1);
    engine.dispose();
    expect(gpu.device.alive.size).toBe(0);
  });

  it('is named where it has no other, and nothing is loaded', async () => {
    wrong.add('mlpHead');
    const error = await load().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'GPU_ERROR',
      message: expect.stringMatching(/the kernel mlpHead gave .* of face_decoder.* Update/),
    });
    expect(gpu.device.alive.size).toBe(0);
  });
});
