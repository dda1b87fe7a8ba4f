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

it.each(['nvidia', 'intel'])('Chrome on Windows gets them written out, too, on %s', async (vendor) => {
  vi.stubGlobal('navigator', {
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0',
  });
  expect(await textFor({ vendor })).toEqual([unrolled(asItIs)]);
});
