/** Which kernels an adapter gets. */
import { afterEach, expect, it, vi } from 'vitest';
import { adrenoKernels, appleKernels, intelKernels, maliKernels, softwareKernels } from '../../src/kernels/registers.ts';
import { gpuKernels } from '../../src/kernels/set.ts';
import { kernelsFor } from '../../src/model/choose.ts';

afterEach(() => vi.unstubAllGlobals());

const ANDROID = 'Mozilla/5.0 (Android 15; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0';
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0';
const LINUX = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0';

it.each([
  ['nvidia', LINUX, gpuKernels],
  ['', LINUX, gpuKernels],
  ['qualcomm', ANDROID, adrenoKernels],
  ['arm', ANDROID, maliKernels],
  ['imagination', ANDROID, gpuKernels],
  ['intel', LINUX, intelKernels],
  ['intel', MAC, intelKernels],
  ['apple', MAC, appleKernels],
  ['', MAC, appleKernels],
  ['amd', MAC, gpuKernels],
  ['', ANDROID, maliKernels],
])('vendor %j of a browser that says %s', async (vendor, userAgent, kernels) => {
  vi.stubGlobal('navigator', { userAgent });
  expect(await kernelsFor({ vendor, architecture: '' })).toBe(kernels);
});

it('no vendor where no browser is', async () => {
  vi.stubGlobal('navigator', undefined);
  expect(await kernelsFor({ vendor: '', architecture: '' })).toBe(gpuKernels);
});

it('a CPU, whatever else it says', async () => {
  expect(await kernelsFor({ vendor: 'arm', architecture: '', software: true })).toBe(softwareKernels);
});
