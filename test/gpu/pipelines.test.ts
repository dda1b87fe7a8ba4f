/** What text a pipeline is made of, by browser; found without a GPU. */
import { afterEach, expect, it, vi } from 'vitest';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { PATIENCE } from '../../src/gpu/waiting.ts';
import { type Kernel, withMachine } from '../../src/kernels/kernel.ts';
import { l2Normalise } from '../../src/kernels/l2Normalise.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { unrolled } from '../../src/kernels/unroll.ts';

const launch = matmul.launch({ rows: 196, inner: 512, cols: 512 });
const asItIs = withMachine(matmul, launch.machine);

const pipelinesOn = (device: object) =>
  new Pipelines({ pushErrorScope: () => {}, popErrorScope: async () => null, ...device } as unknown as GPUDevice);

async function textFor(adapterInfo?: { vendor: string }, kernel: Pick<Kernel<never>, 'name' | 'wgsl'> = matmul): Promise<string[]> {
  const made = kernel === matmul ? launch : { constants: {} };
  const codes: string[] = [];
  const createShaderModule = ({ code }: { code: string }) => codes.push(code);
  const pipelines = pipelinesOn({ adapterInfo, createShaderModule, createComputePipelineAsync: async () => ({}) });
  await Promise.all([pipelines.get(kernel, made), pipelines.get(kernel, made)]);
  return codes;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('says what of which line a compiler refuses, and asks it anew the next time', async () => {
  const line = `${'a'.repeat(99)}b${'c'.repeat(99)}`;
  const messages = [
    { type: 'warning', lineNum: 1, linePos: 1, message: 'unused' },
    { type: 'error', lineNum: 2, linePos: 100, message: 'no such type' },
  ];
  const createShaderModule = vi.fn(() => ({ getCompilationInfo: async () => ({ messages }) }));
  const createComputePipelineAsync = vi
    .fn(async () => ({}))
    .mockRejectedValueOnce(new Error('invalid'))
    .mockRejectedValueOnce(new Error('invalid'));
  const pipelines = pipelinesOn({ createShaderModule, createComputePipelineAsync });
  const get = () => pipelines.get({ name: 'f', wgsl: `fn f() {\n${line}\n}` }, { constants: {} });
  await expect(get()).rejects.toMatchObject({ code: 'GPU_ERROR', message: `f.wgsl:2: no such type\n  ${line.slice(40, 160)}` });
  messages.length = 0;
  await expect(get()).rejects.toMatchObject({ code: 'GPU_ERROR', message: 'f.wgsl: invalid' });
  expect(await get()).toEqual({});
  expect(createShaderModule).toHaveBeenCalledTimes(3);
});

it('waits for a compiler that gives one pipeline now and then, and for no other', async () => {
  vi.useFakeTimers();
  const give: ((pipeline: object) => void)[] = [];
  const createComputePipelineAsync = () => new Promise((resolve) => give.push(resolve));
  const pipelines = pipelinesOn({ createShaderModule: () => ({}), createComputePipelineAsync });
  const [first, second] = [1, 2].map((N) => pipelines.get({ name: 'f', wgsl: '' }, { constants: { N } }));
  const ended = vi.fn();
  second?.catch(ended);
  await vi.advanceTimersByTimeAsync(PATIENCE.gpu - 1000);
  give[0]?.({});
  await first;
  await vi.advanceTimersByTimeAsync(PATIENCE.gpu - 1000);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2000);
  expect(ended).toHaveBeenCalledWith(expect.objectContaining({ code: 'GPU_ERROR' }));
});

it.each(['nvidia', 'amd', 'intel', 'qualcomm', 'arm', 'google'])(
  'Chrome on %s gets the kernel as it is, but for loops that ask to be written out',
  async (vendor) => {
    expect(await textFor({ vendor })).toEqual([unrolled(asItIs, 'marked')]);
    expect(await textFor({ vendor }, l2Normalise)).toEqual([l2Normalise.wgsl]);
  },
);

it.each([[{ vendor: 'apple' }], [{ vendor: '' }], [{ vendor: '4318' }], [undefined]])(
  'with %j, loops are written out, once',
  async (info) => {
    expect(await textFor(info)).toEqual([unrolled(asItIs)]);
    expect(unrolled(asItIs)).not.toBe(asItIs);
  },
);

it.each([
  ['nvidia', { navigator: { platform: 'Win32' } }],
  ['intel', { navigator: { platform: 'Win32' } }],
  ['nvidia', { navigator: undefined, process: { platform: 'win32' } }],
])('on Windows all loops are written out for Chrome and Node, too, with a GPU of %s in %j', async (vendor, there) => {
  const text = 'const N = 2u; fn f() { for (var i = 0u; i < N; i++) { x; } }';
  const kernel = { name: 'f', wgsl: text };
  expect(await textFor({ vendor }, kernel)).toEqual([text]);
  for (const [name, value] of Object.entries(there)) vi.stubGlobal(name, value);
  expect(await textFor({ vendor }, kernel)).toEqual([unrolled(text)]);
  expect(unrolled(text)).not.toBe(text);
});
