/** What text a pipeline is made of, by browser; found without a GPU. */
import { expect, it } from 'vitest';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { withMachine } from '../../src/kernels/kernel.ts';
import { matmul } from '../../src/kernels/matmul.ts';
import { unrolled } from '../../src/kernels/unroll.ts';

const launch = matmul.launch({ rows: 196, inner: 512, cols: 512 });
const asItIs = withMachine(matmul, launch.machine);

async function textFor(adapterInfo?: { vendor: string }): Promise<string[]> {
  const codes: string[] = [];
  const createShaderModule = ({ code }: { code: string }) => codes.push(code);
  const pipelines = new Pipelines({
    adapterInfo,
    createShaderModule,
    createComputePipelineAsync: async () => ({}),
  } as unknown as GPUDevice);
  await Promise.all([pipelines.get(matmul, launch), pipelines.get(matmul, launch)]);
  return codes;
}

it.each(['nvidia', 'amd', 'intel', 'qualcomm', 'arm', 'google'])('Chrome on %s gets the kernel as it is', async (vendor) => {
  expect(await textFor({ vendor })).toEqual([asItIs]);
});

it.each([[{ vendor: 'apple' }], [{ vendor: '' }], [undefined]])('with %j, loops are written out, once', async (info) => {
  expect(await textFor(info)).toEqual([unrolled(asItIs)]);
  expect(unrolled(asItIs)).not.toBe(asItIs);
});
