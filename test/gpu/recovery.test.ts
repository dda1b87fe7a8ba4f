/** What is on a GPU and comes back, on GPUs that are no more than a signal. What an engine makes of it is in test/engine/recovery.test.ts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ErrorCode, FaceXFormerError, gpuLost } from '../../src/gpu/errors.ts';
import { madeAtFirst, Recovery, type Resident, WAITS } from '../../src/gpu/recovery.ts';
import { codeOf } from '../errors.ts';

/** What stays on a GPU until that is lost. */
function resident() {
  const stop = new AbortController();
  const destroy = vi.fn(() => stop.abort('destroyed'));
  return { gpu: { lost: stop.signal } as unknown as Resident['gpu'], destroy, lose: () => stop.abort('gone') };
}
type One = ReturnType<typeof resident>;

const failure = (code: ErrorCode) => new FaceXFormerError(code, 'made to fail');
const never = () => new Promise<never>(() => {});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('what was lost', () => {
  it.each<[ErrorCode, boolean]>([
    ['DEVICE_LOST', true],
    ['GPU_ERROR', true],
    ['LIMIT', true],
    ['WEIGHTS_UNREACHABLE', true],
    ['NO_ADAPTER', false],
    ['WRONG_WEIGHTS', false],
  ])('is made again after %s: %s', async (code, again) => {
    const [first, second] = [resident(), resident()];
    const make = vi.fn().mockRejectedValueOnce(failure(code)).mockResolvedValue(second);
    const recovery = new Recovery<One>(first, make);
    const { lost } = recovery;
    first.lose();
    const whole = recovery.whole().catch((error: unknown) => error);
    await vi.runAllTimersAsync();
    expect(await (await lost).recovered).toBe(again);
    expect(await whole).toEqual(again ? second : expect.objectContaining({ code: 'DEVICE_LOST' }));
    expect(make).toHaveBeenCalledTimes(again ? 2 : 1);
    expect(first.destroy).toHaveBeenCalledOnce();
  });

  it('is not left on a GPU by who is disposed of while it is made', async () => {
    const [first, second] = [resident(), resident()];
    const stop = new AbortController();
    const recovery = new Recovery<One>(first, () => new Promise((made) => stop.signal.addEventListener('abort', () => made(second))));
    first.lose();
    const waits = codeOf(() => recovery.whole());
    await vi.runAllTimersAsync();
    recovery.dispose();
    stop.abort();
    expect(await waits).toBe('DEVICE_LOST');
    expect(second.destroy).toHaveBeenCalledOnce();
    expect(await codeOf(async () => recovery.mustLive())).toBe('DISPOSED');
  });
});

describe('work on a GPU', () => {
  it('ends with DISPOSED where disposing takes the GPU from it, and with DEVICE_LOST where that went before', async () => {
    for (const [lose, code] of [
      [() => {}, 'DISPOSED'],
      [(one: One) => one.lose(), 'DEVICE_LOST'],
    ] as const) {
      const one = resident();
      const recovery = new Recovery<One>(one, never);
      const work = codeOf(() => recovery.run(never));
      await vi.runAllTimersAsync();
      lose(one);
      recovery.dispose();
      await vi.runAllTimersAsync();
      expect(await work).toBe(code);
      expect(one.destroy).toHaveBeenCalled();
    }
  });

  it.each([true, false])('is made once more at first where its GPU is lost, if it may: %s', async (may) => {
    const make = vi.fn().mockRejectedValueOnce(gpuLost('gone')).mockResolvedValue('made');
    const made = madeAtFirst(make, undefined, () => may).catch(({ code }) => code);
    await vi.runAllTimersAsync();
    expect(await made).toBe(may ? 'made' : 'DEVICE_LOST');
    make.mockReset().mockRejectedValue(gpuLost('gone'));
    const failed = madeAtFirst(make, undefined, () => may).catch(({ code }) => code);
    await vi.runAllTimersAsync();
    expect(await failed).toBe('DEVICE_LOST');
    expect(make).toHaveBeenCalledTimes(may ? WAITS.length : 1);
  });
});
