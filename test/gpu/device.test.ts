import { afterEach, describe, expect, it, vi } from 'vitest';
import { checkSupport, openGpu } from '../../src/gpu/device.ts';
import { PATIENCE } from '../../src/gpu/waiting.ts';
import { codeOf } from '../errors.ts';

const forever = new Promise<never>(() => {});
const device = (lost: Promise<unknown> = forever, features: Iterable<string> = []) =>
  ({
    lost,
    label: 'a device',
    features: new Set(features),
    limits: { maxBufferSize: 2 ** 28 },
    queue: { submit: () => {} },
    createBuffer: () => {},
  }) as unknown as GPUDevice;

interface Adapter {
  info?: object;
  features?: Set<string>;
  limits?: object;
  requestDevice?: (descriptor: GPUDeviceDescriptor) => Promise<GPUDevice>;
}

/** A browser whose requestAdapter gives these answers, the last one for ever. */
function browser(...answers: (Adapter | null | Error)[]) {
  const asked: GPUDeviceDescriptor[] = [];
  const requestAdapter = vi.fn(async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    if (!answer) return null;
    const requestDevice = async (descriptor: GPUDeviceDescriptor) => {
      asked.push(descriptor);
      return (answer.requestDevice ?? (async ({ requiredFeatures = [] }) => device(forever, requiredFeatures)))(descriptor);
    };
    return { features: new Set(), ...answer, requestDevice };
  });
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  return { requestAdapter, asked };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('checkSupport', () => {
  it('says where there is no WebGPU', async () => {
    vi.stubGlobal('navigator', {});
    expect(await checkSupport()).toMatchObject({ supported: false, reason: { code: 'WEBGPU_UNAVAILABLE' } });
  });

  it('says where there is no GPU', async () => {
    browser(null);
    expect(await checkSupport()).toMatchObject({ supported: false, reason: { code: 'NO_ADAPTER' } });
  });

  it('says which limits are too low, and what they must be', async () => {
    const limits = { maxComputeInvocationsPerWorkgroup: 128, maxComputeWorkgroupSizeX: 128, maxBufferSize: 2 ** 28 };
    browser({ limits });
    const support = await checkSupport();
    expect(support).toMatchObject({ supported: false, reason: { code: 'LIMIT' } });
    expect(String(!support.supported && support.reason.message)).toMatch(
      /maxComputeInvocationsPerWorkgroup is 128 and must be 256, maxComputeWorkgroupSizeX is 128 and must be 256\./,
    );
    await expect(openGpu(undefined)).rejects.toMatchObject({ code: 'LIMIT' });
  });

  it('refuses a CPU where the app does, and so does a load', async () => {
    browser({ info: { isFallbackAdapter: true } });
    expect(await checkSupport()).toMatchObject({ supported: true, adapter: { software: true } });
    expect(await checkSupport({ software: false })).toMatchObject({ supported: false, reason: { code: 'NO_ADAPTER' } });
    await expect(openGpu(undefined, { software: false })).rejects.toMatchObject({ code: 'NO_ADAPTER' });
  });

  it('tells the adapter and makes no device', async () => {
    const { asked } = browser({ info: { vendor: 'maker' }, features: new Set(['shader-f16']) });
    expect(await checkSupport()).toMatchObject({ supported: true, adapter: { vendor: 'maker' }, float16: true });
    expect(asked).toEqual([]);
  });
});

describe('openGpu', () => {
  it('says where there is no WebGPU, and that a page must be secure', async () => {
    vi.stubGlobal('navigator', {});
    expect(await codeOf(() => openGpu(undefined))).toBe('WEBGPU_UNAVAILABLE');
    await expect(openGpu(undefined)).rejects.toThrow(/no WebGPU here.*Chrome.*in Node/);
    vi.stubGlobal('isSecureContext', false);
    await expect(openGpu(undefined)).rejects.toThrow(/https/);
  });

  it('asks again where the browser gives no adapter at first, and remembers no refusal', async () => {
    const { requestAdapter } = browser(null, new Error('not yet'), {});
    const gpu = await openGpu(undefined);
    expect(requestAdapter).toHaveBeenCalledTimes(3);
    expect(gpu.own).toBe(true);
  });

  it('gives up with NO_ADAPTER after a few attempts', async () => {
    const { requestAdapter } = browser(null);
    expect(await codeOf(() => openGpu(undefined))).toBe('NO_ADAPTER');
    expect(requestAdapter).toHaveBeenCalledTimes(4);
  });

  it('asks for a fresh adapter when the device comes lost', async () => {
    const gone = { requestDevice: async () => device(Promise.resolve({ reason: 'unknown' })) };
    const { requestAdapter } = browser(gone, {});
    await openGpu(undefined);
    expect(requestAdapter).toHaveBeenCalledTimes(2);
  });

  it('says why a device was refused, and does not wait for ever for one', async () => {
    browser({ requestDevice: () => Promise.reject(new Error('limit too high')) });
    await expect(openGpu(undefined)).rejects.toMatchObject({ code: 'NO_ADAPTER', message: expect.stringMatching(/limit too high/) });
    vi.useFakeTimers();
    browser({ requestDevice: () => forever });
    const refused = codeOf(() => openGpu(undefined));
    await vi.advanceTimersByTimeAsync(PATIENCE.device + 1000);
    expect(await refused).toBe('NO_ADAPTER');
  });

  it.each([
    ['an adapter', 'requestAdapter'],
    ['a device', 'requestDevice'],
  ])('hears an abort at once while %s does not come, and destroys what comes too late', async (_, call) => {
    let give = (_: unknown) => {};
    const later = new Promise((resolve) => {
      give = resolve;
    });
    const destroy = vi.fn();
    const adapter = { features: new Set(), requestDevice: () => later };
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => (call === 'requestAdapter' ? later : Promise.resolve(adapter)) } });
    const abort = new AbortController();
    const refused = codeOf(() => openGpu(undefined, { signal: abort.signal }));
    await new Promise((done) => setTimeout(done, 20));
    abort.abort();
    expect(await refused).toBe('ABORTED');
    give(call === 'requestAdapter' ? null : { ...device(), destroy });
    await new Promise((done) => setTimeout(done));
    expect(destroy).toHaveBeenCalledTimes(call === 'requestAdapter' ? 0 : 1);
  });

  it('does not wait for ever for an adapter', async () => {
    vi.useFakeTimers();
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => forever } });
    const refused = codeOf(() => openGpu(undefined));
    await vi.advanceTimersByTimeAsync(PATIENCE.adapter + 1000);
    expect(await refused).toBe('NO_ADAPTER');
  });

  it('says that devices come lost', async () => {
    browser({ requestDevice: async () => device(Promise.resolve({ reason: 'unknown' })) });
    expect(await codeOf(() => openGpu(undefined))).toBe('DEVICE_LOST');
  });

  it('stops between attempts when aborted', async () => {
    browser(null);
    const abort = new AbortController();
    const refused = codeOf(() => openGpu(undefined, { signal: abort.signal }));
    abort.abort();
    expect(await refused).toBe('ABORTED');
  });

  it('needs no field of `info`, and asks for no feature but subgroups of one size that a kernel is for', async () => {
    const { asked } = browser({ features: new Set(['subgroups', 'shader-f16']) });
    expect((await openGpu(undefined)).adapter).toEqual({ vendor: '', architecture: '', description: '', software: false });
    for (const [subgroupMinSize, subgroupMaxSize, description] of [
      [32, 32],
      [32, 64],
      [8, 8],
      [4, 8, 'llvmpipe'],
    ] as const) {
      const other = browser({ features: new Set(['subgroups']), info: { subgroupMinSize, subgroupMaxSize, description } });
      expect((await openGpu(undefined)).lanes).toBeUndefined();
      expect(other.asked[0]?.requiredFeatures).toEqual([]);
    }
    expect(asked[0]?.requiredFeatures).toEqual([]);
    for (const [lanes, description] of [
      [4, 'SwiftShader'],
      [8, 'llvmpipe'],
    ] as const) {
      const cpu = browser({ features: new Set(['subgroups']), info: { subgroupMinSize: lanes, subgroupMaxSize: lanes, description } });
      expect(await openGpu(undefined)).toMatchObject({ lanes, adapter: { software: true } });
      expect(cpu.asked[0]).toMatchObject({ requiredFeatures: ['subgroups'] });
      expect(cpu.asked[0]?.requiredLimits).toBeUndefined();
    }
  });

  it('asks for float16 where it is wanted and there, and says whether it is', async () => {
    const able = browser({ features: new Set(['shader-f16']) });
    expect((await openGpu(undefined)).float16).toBe(false);
    expect((await openGpu(undefined, { float16: true })).float16).toBe(true);
    expect(able.asked.map(({ requiredFeatures }) => requiredFeatures)).toEqual([[], ['shader-f16']]);
    const unable = browser({});
    expect((await openGpu(undefined, { float16: true })).float16).toBe(false);
    expect(unable.asked[0]?.requiredFeatures).toEqual([]);
    const given = { ...device(), features: new Set(['shader-f16']) } as unknown as GPUDevice;
    expect((await openGpu(given)).float16).toBe(true);
  });
});
