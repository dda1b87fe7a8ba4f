/** What text a pipeline is made of, by browser; found without a GPU. */
import { afterEach, expect, it, vi } from 'vitest';
import { Pipelines } from '../../src/gpu/pipelines.ts';

import { type Kernel, withMachine } from '../../src/kernels/kernel.ts';
import { l2Normalise } from '../../src/kernels/l2Normalise.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { unrolled } from '../../src/kernels/unroll.ts';

const launch = matmul.launch({ rows: 196, inner: 512, cols: 512 });
const asItIs = withMachine(matmul, launch.machine);

async function textFor(adapterInfo?: { vendor: string }, kernel: Pick<Kernel<never>, 'name' | 'wgsl'> = matmul): Promise<string[]> {
  const made = kernel === matmul ? launch : { constants: {} };
  const codes: string[] = [];
  const createShaderModule = ({ code }: { code: string }) => codes.push(code);
  const pipelines = new Pipelines({
    adapterInfo,
    pushErrorScope: () => {},
    popErrorScope: async () => null,
    createShaderModule,
    createComputePipelineAsync: async () => ({}),
  } as unknown as GPUDevice);
  await Promise.all([pipelines.get(kernel, made), pipelines.get(kernel, made)]);
  return codes;
}

afterEach(() => vi.unstubAllGlobals());

it.each(['nvidia', 'amd', 'intel', 'qualcomm', 'arm', 'google'])(
  'Chrome on %s gets the kernel as it is, but for loops that ask to be written out',
  async (vendor) => {
    expect(await textFor({ vendor })).toEqual([unrolled(asItIs, 'marked')]);
    expect(await textFor({ vendor }, l2Normalise)).toEqual([l2Normalise.wgsl]);
  },
);

it.each([[{ vendor: 'apple' }], [{ vendor: '' }], [undefined]])('with %j, loops are written out, once', async (info) => {
  expect(await textFor(info)).toEqual([unrolled(asItIs)]);
  expect(unrolled(asItIs)).not.toBe(asItIs);
});

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
