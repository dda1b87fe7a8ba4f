/** A device of the page's own: what the engine can use, and the GPU's clock besides. */
import { FaceXFormerError } from '../../src/index.ts';
import type { Machine } from './result.ts';

/** Asked for where the adapter has them: the clock, and what faster kernels wait for. */
const FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups'];

export interface OpenDevice {
  readonly device: GPUDevice;
  readonly machine: Machine;
  /** Tells how many milliseconds passed from the first pipeline asked for so far to the last one ready, and how many there were. */
  compiled(): { readonly milliseconds: number; readonly pipelines: number };
}

const adapterHere = async (): Promise<GPUAdapter | undefined> =>
  (await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;

/** What a run would run on; undefined where there is no WebGPU, or no adapter. */
export async function machineHere(): Promise<Machine | undefined> {
  const adapter = await adapterHere();
  return adapter && machineOf(adapter);
}

/** @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER */
export async function openDevice(): Promise<OpenDevice> {
  if (!navigator.gpu)
    throw new FaceXFormerError(
      'WEBGPU_UNAVAILABLE',
      'This browser has no WebGPU here. Use Chrome, Edge, Safari or Firefox of late, on https or localhost.',
    );
  const adapter = await adapterHere();
  if (!adapter)
    throw new FaceXFormerError('NO_ADAPTER', 'The browser has WebGPU but gave no GPU. Check chrome://gpu, and reload the page.');
  const device = await adapter.requestDevice({ label: 'bench', requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)) });
  return { device, machine: machineOf(adapter), compiled: watchPipelines(device) };
}

/** Older browsers give no `info`, or not all of it. */
function machineOf({ info = {} as GPUAdapterInfo, features, limits }: GPUAdapter): Machine {
  const { vendor = '', architecture = '', device = '', description = '' } = info;
  const software =
    info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${architecture} ${device} ${description}`);
  const names = Object.keys(Object.getOwnPropertyDescriptors(GPUSupportedLimits.prototype)).filter(
    (name) => typeof limits[name as keyof GPUSupportedLimits] === 'number',
  );
  return {
    userAgent: navigator.userAgent,
    cores: navigator.hardwareConcurrency,
    adapter: { vendor, architecture, device, description, software },
    features: [...features].sort(),
    limits: Object.fromEntries(names.sort().map((name) => [name, Number(limits[name as keyof GPUSupportedLimits])])),
  };
}

function watchPipelines(device: GPUDevice): OpenDevice['compiled'] {
  const create = device.createComputePipelineAsync.bind(device);
  let [first, last, pipelines] = [Number.POSITIVE_INFINITY, 0, 0];
  device.createComputePipelineAsync = async (descriptor) => {
    pipelines++;
    first = Math.min(first, performance.now());
    try {
      return await create(descriptor);
    } finally {
      last = Math.max(last, performance.now());
    }
  };
  return () => ({ milliseconds: Math.max(0, last - first), pipelines });
}
