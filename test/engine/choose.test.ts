/** Which kernels an adapter gets. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { askedKernels, kernelsFor, portableTo } from '../../src/engine/choose.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { KINDS, ROLES } from '../../src/kernels/roles.ts';

afterEach(() => vi.unstubAllGlobals());

const ANDROID = 'Mozilla/5.0 (Android 15; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0';
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0';
const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0';
const LINUX = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0';

it.each([
  ['nvidia', LINUX, ROLES.desktop],
  ['', LINUX, ROLES.desktop],
  ['qualcomm', ANDROID, ROLES.adreno],
  ['arm', ANDROID, ROLES.mali],
  ['img-tec', ANDROID, ROLES.mali],
  ['broadcom', LINUX, ROLES.mali],
  ['samsung', ANDROID, ROLES.laptop],
  ['intel', LINUX, ROLES.intel],
  ['intel', MAC, ROLES.intel],
  ['apple', MAC, ROLES.apple],
  ['amd', MAC, ROLES.desktop],
])('vendor %j of a browser that says %s', async (vendor, userAgent, kernels) => {
  vi.stubGlobal('navigator', { userAgent });
  expect(kernelsFor({ vendor })).toBe(kernels);
});

/** What Firefox says in WebGL, sanitised: dom/canvas/SanitizeRenderer.cpp there. */
it.each([
  ['Intel(R) HD Graphics, or similar', LINUX, ROLES.intel],
  ['ANGLE (Intel, Intel(R) HD Graphics Direct3D11 vs_5_0 ps_5_0), or similar', WINDOWS, ROLES.intel],
  ['ANGLE (NVIDIA, NVIDIA GeForce GTX 980 Direct3D11 vs_5_0 ps_5_0), or similar', WINDOWS, ROLES.desktop],
  ['ANGLE (AMD, Radeon R9 200 Series Direct3D11 vs_5_0 ps_5_0), or similar', WINDOWS, ROLES.desktop],
  ['Radeon R9 200 Series, or similar', MAC, ROLES.desktop],
  ['Intel(R) HD Graphics, or similar', MAC, ROLES.intel],
  ['Apple M1, or similar', MAC, ROLES.apple],
  ['Adreno (TM) 650, or similar', ANDROID, ROLES.adreno],
  ['Mali-G77, or similar', ANDROID, ROLES.mali],
  ['PowerVR Rogue GE8320', ANDROID, ROLES.mali],
  ['V3D 7.1', LINUX, ROLES.mali],
  ['ANGLE (Samsung Xclipse 940) on Vulkan', ANDROID, ROLES.laptop],
  ['llvmpipe, or similar', LINUX, ROLES.desktop],
  // It resists fingerprints, or has no WebGL: by system.
  ['Mozilla', MAC, ROLES.apple],
  ['Mozilla', ANDROID, ROLES.mali],
  ['Mozilla', LINUX, ROLES.desktop],
  [undefined, MAC, ROLES.apple],
  [undefined, ANDROID, ROLES.mali],
  [undefined, LINUX, ROLES.desktop],
])('no vendor, WebGL says %j, the browser %s', async (renderer, userAgent, kernels) => {
  vi.stubGlobal('navigator', { userAgent });
  const { loseContext } = webGl(renderer === undefined ? undefined : { 7937: renderer });
  expect(kernelsFor({ vendor: '' })).toBe(kernels);
  expect(loseContext).toHaveBeenCalledTimes(renderer === undefined ? 0 : 1);
});

/** A WebGL whose parameters are these, by number; none where there are none. */
function webGl(parameters: Readonly<Record<number, string>> | undefined) {
  const loseContext = vi.fn();
  const getExtension = vi.fn((name: string) => (name === 'WEBGL_lose_context' ? { loseContext } : { UNMASKED_RENDERER_WEBGL: 37446 }));
  const gl = { RENDERER: 7937, getParameter: (name: number) => parameters?.[name] ?? null, getExtension };
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      getContext = () => (parameters ? gl : null);
    },
  );
  return { loseContext, getExtension };
}

/** What Chrome says in WebGL of GPUs that AMD puts into processors, and of cards of the same architecture. */
it.each([
  ['ANGLE (AMD, AMD Radeon(TM) Graphics (0x00001638) Direct3D11 vs_5_0 ps_5_0, D3D11)', ROLES.laptop],
  ['ANGLE (AMD, AMD Radeon 780M Graphics (0x000015BF) Direct3D11 vs_5_0 ps_5_0, D3D11)', ROLES.laptop],
  ['ANGLE (AMD, AMD Radeon(TM) 8060S Graphics (0x00001586) Direct3D11 vs_5_0 ps_5_0, D3D11)', ROLES.laptop],
  ['ANGLE (AMD, AMD Radeon Graphics (radeonsi, phoenix, LLVM 19.1.7, DRM 3.61), OpenGL ES 3.2)', ROLES.laptop],
  ['ANGLE (AMD, AMD Custom GPU 0405 (vangogh, LLVM 15.0.7, DRM 3.54), OpenGL ES 3.2)', ROLES.laptop],
  ['ANGLE (AMD, AMD Radeon RX 7900 XTX (0x0000744C) Direct3D11 vs_5_0 ps_5_0, D3D11)', ROLES.desktop],
  ['ANGLE (AMD, AMD Radeon RX 6800M (0x000073DF) Direct3D11 vs_5_0 ps_5_0, D3D11)', ROLES.desktop],
])('a GPU of AMD that WebGL calls %j', (renderer, kernels) => {
  webGl({ 7937: 'WebKit WebGL', 37446: renderer });
  expect(kernelsFor({ vendor: 'amd', architecture: 'rdna-3' })).toBe(kernels);
});

it('a GPU of AMD by its own name, where it is told, or without WebGL', () => {
  const { getExtension } = webGl({ 7937: 'Radeon R9 200 Series, or similar' });
  expect(kernelsFor({ vendor: '4098', description: 'AMD Radeon 780M Graphics (RADV PHOENIX)' })).toBe(ROLES.laptop);
  expect(kernelsFor({ vendor: 'amd' })).toBe(ROLES.desktop);
  expect(getExtension.mock.calls).toEqual([['WEBGL_lose_context']]); // Firefox complains of who asks for the name behind the name
  webGl(undefined);
  expect(kernelsFor({ vendor: 'amd' })).toBe(ROLES.desktop);
});

it('a vendor that is named, and a CPU, need no WebGL', async () => {
  const canvas = vi.fn();
  vi.stubGlobal('OffscreenCanvas', canvas);
  expect(kernelsFor({ vendor: 'nvidia' })).toBe(ROLES.desktop);
  expect(kernelsFor({ vendor: '', software: true })).toBe(ROLES.software);
  expect(canvas).not.toHaveBeenCalled();
});

it('no vendor where no browser is', async () => {
  vi.stubGlobal('navigator', undefined);
  expect(kernelsFor({ vendor: '' })).toBe(ROLES.desktop);
});

/** Deno's wgpu: the vendor's PCI number, 0 of Metal's, and the driver's name for the GPU. */
it.each([
  ['4318', 'NVIDIA GeForce RTX 4090', ROLES.desktop],
  ['0', 'Apple M1', ROLES.apple],
  ['32902', 'Intel(R) Iris(R) Xe Graphics (TGL GT2)', ROLES.intel],
  ['4098', 'AMD Radeon RX 7900 XTX (RADV NAVI31)', ROLES.desktop],
  ['9999', 'nobody knows', ROLES.desktop],
])('vendor %j, described as %j', (vendor, description, kernels) => {
  vi.stubGlobal('navigator', { userAgent: 'Deno/2.9.6' });
  expect(kernelsFor({ vendor, description })).toBe(kernels);
});

it('an architecture whose GPUs have few processors and small caches', () => {
  expect(kernelsFor({ vendor: 'nvidia', architecture: 'pascal' })).toBe(ROLES.laptop);
  expect(kernelsFor({ vendor: 'amd', architecture: 'gcn-5' })).toBe(ROLES.laptop);
  for (const architecture of ['turing', 'ampere']) expect(kernelsFor({ vendor: 'nvidia', architecture })).toBe(ROLES.laptop);
  for (const architecture of ['', 'lovelace', 'blackwell', 'hopper'])
    expect(kernelsFor({ vendor: 'nvidia', architecture })).toBe(ROLES.desktop);
  for (const architecture of ['rdna-1', 'rdna-2'])
    expect(kernelsFor({ vendor: 'amd', architecture })).toBe(architecture === 'rdna-1' ? ROLES.laptop : ROLES.desktop);
});

it('a CPU, whatever else it says', async () => {
  expect(kernelsFor({ vendor: 'arm', software: true })).toBe(ROLES.software);
});

describe('the kernels that are asked for', () => {
  const gpu = (adapter: Partial<Gpu['adapter']>, lanes?: number) =>
    ({ adapter: { vendor: '', architecture: '', description: '', software: false, ...adapter }, lanes }) as Gpu;
  const swiftshader = gpu({ vendor: 'google', architecture: 'swiftshader', software: true }, 4);
  const lavapipe = gpu({ vendor: 'mesa', description: 'llvmpipe', software: true }, 8);
  const desktop = gpu({ vendor: 'nvidia' }, 32);

  it('has kernels for CPUs with subgroups of four and of eight, for other CPUs and for GPUs', () => {
    expect(askedKernels(swiftshader, 'auto')).toBe(ROLES.subgroup);
    expect(askedKernels(lavapipe, 'auto')).toBe(ROLES.subgroup8);
    expect(askedKernels({ ...lavapipe, lanes: undefined }, 'auto')).toBe(ROLES.software);
    expect(askedKernels(desktop, 'auto')).toBe(ROLES.desktop);
  });

  it("by name has a desktop's kernels on CPUs too", () => {
    for (const one of [swiftshader, lavapipe, desktop]) expect(askedKernels(one, 'fused')).toBe(ROLES.desktop);
  });
});

it.each([
  ...KINDS.map((kind) => [kind, ROLES[kind]] as const),
  // Of three roles it takes over one, whichever that is.
  ['software, with products of its own', { ...ROLES.software, matmul: ROLES.subgroup8.matmul }] as const,
])('another product, convolution and window attention where those of %s compute wrongly', (_, kernels) => {
  const kernelsOf = ({ matmul, conv, windowAttention }: typeof ROLES.desktop) => [matmul.kernel, conv.kernel, windowAttention];
  const own = kernelsOf(kernels);
  for (const [i, other] of kernelsOf(portableTo(kernels)).entries()) expect(other.name).not.toBe(own[i]?.name);
});
