/** A WebGPU device that needs nothing optional: default limits; features are asked for only where faster kernels wait for them. */
import { FaceXFormerError, throwIfAborted } from './errors.ts';
import { given as takes } from './given.ts';

export interface Gpu {
  readonly device: GPUDevice;
  readonly adapter: AdapterName;
  /** Lanes of every subgroup, where the adapter has one size and the device has `subgroups`: kernels may count on it. */
  readonly lanes: number | undefined;
  /** Whether kernels may compute in float16: the device has `shader-f16`. */
  readonly float16: boolean;
  /** Whether the engine made the device, and so destroys it. */
  readonly own: boolean;
  /** Aborted when the GPU is lost, for the reason that the browser gives. */
  readonly lost: AbortSignal;
}

/**
 * A GPUDevice, as far as a caller's types must tell it from something else: TypeScript knows the real one only where an app has types for
 * WebGPU, and an app that lends no device needs none.
 */
export interface LentDevice {
  readonly features: { has(name: string): boolean };
  readonly lost: Promise<{ readonly message: string }>;
  readonly queue: object;
  createComputePipelineAsync(descriptor: never): Promise<object>;
}

/** What the browser tells of the adapter; Firefox tells nothing, and fields are empty then. */
export interface AdapterName {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True where a CPU does the GPU's work. */
  readonly software: boolean;
}

/** Waits before each attempt, in ms: browsers give no adapter for a moment after they start or lose a GPU. */
const ATTEMPTS = [0, 100, 300, 1000];
/** A driver that has not given a device by then will not. */
const DEVICE_TIMEOUT = 30_000;

export interface GpuOptions {
  signal?: AbortSignal | undefined;
  /** Whether to ask for `shader-f16`; it is no error where the GPU lacks it. */
  float16?: boolean;
}

/** @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, ABORTED */
export async function openGpu(given: LentDevice | undefined, { signal, float16 = false }: GpuOptions = {}): Promise<Gpu> {
  if (given !== undefined) mustBeDevice(given);
  if (given) return gpuOf(given as GPUDevice, (given as GPUDevice).adapterInfo, false);
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) throw unavailable();
  for (const wait of ATTEMPTS) {
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    throwIfAborted(signal);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
    if (!adapter) continue;
    const lanes = lanesOf(adapter.info) ?? 0;
    const wanted = { subgroups: lanes === 4, 'shader-f16': float16 }; // SwiftShader's subgroups
    const features = (['subgroups', 'shader-f16'] as const).filter((feature) => wanted[feature] && adapter.features.has(feature));
    const device = await requestDevice(adapter, features);
    // A device of an adapter whose GPU has just gone comes lost: `lost` settles at once, and a fresh adapter is wanted.
    const lost = await Promise.race([device.lost.then(() => true), new Promise<false>((no) => setTimeout(no, 0, false))]);
    if (!lost) return gpuOf(device, adapter.info, true);
  }
  throw noAdapter();
}

/** @throws FaceXFormerError BAD_OPTION */
function mustBeDevice(device: LentDevice): void {
  takes('`device` is no GPUDevice; give what adapter.requestDevice() gave.', () => {
    const { features, lost, queue, limits, createBuffer } = device as GPUDevice;
    if (![features.has, lost.then, queue.submit, limits.maxBufferSize.toFixed, createBuffer].every((one) => typeof one === 'function'))
      throw new TypeError();
  });
}

/** What a browser can do for the engine. */
export type Support =
  | { readonly supported: true; readonly adapter: AdapterName; readonly float16: boolean }
  | { readonly supported: false; readonly reason: FaceXFormerError };

/**
 * Whether the engine can run here, told before anything is downloaded: asks for an adapter, and makes nothing. Where it cannot, `reason` says why
 * (WEBGPU_UNAVAILABLE, NO_ADAPTER); the ONNX export runs the network on other runtimes.
 */
export async function checkSupport(): Promise<Support> {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) return { supported: false, reason: unavailable() };
  for (const wait of ATTEMPTS) {
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
    if (adapter) return { supported: true, adapter: adapterName(adapter.info), float16: adapter.features.has('shader-f16') };
  }
  return { supported: false, reason: noAdapter() };
}

function noAdapter(): FaceXFormerError {
  return new FaceXFormerError(
    'NO_ADAPTER',
    'The browser has WebGPU but gave no GPU. Check chrome://gpu (or about:support), update the graphics driver, and reload the page.',
  );
}

/** What there is: a device has the features that it was asked for and no others. */
function gpuOf(device: GPUDevice, info: GPUAdapterInfo | undefined, own: boolean): Gpu {
  const loss = new AbortController(); // who waits for `device.lost` itself is kept as long as an application's device lives
  void device.lost.then(({ message }) => loss.abort(message));
  return {
    device,
    adapter: adapterName(info),
    lanes: device.features.has('subgroups') ? lanesOf(info) : undefined,
    float16: device.features.has('shader-f16'),
    own,
    lost: loss.signal,
  };
}

function unavailable(): FaceXFormerError {
  return new FaceXFormerError(
    'WEBGPU_UNAVAILABLE',
    globalThis.isSecureContext === false
      ? 'WebGPU needs a secure context. Serve the page over https, or from localhost.'
      : 'This browser has no WebGPU. Use Chrome or Edge 123, Safari 26, Firefox 141, or later.',
  );
}

async function requestDevice(adapter: GPUAdapter, requiredFeatures: GPUFeatureName[]): Promise<GPUDevice> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${DEVICE_TIMEOUT / 1000} s`)), DEVICE_TIMEOUT);
  });
  try {
    return await Promise.race([adapter.requestDevice({ label: 'facexformer', requiredFeatures }), late]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FaceXFormerError('NO_ADAPTER', `The GPU gave no device: ${reason}. Reload the page, or restart the browser.`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

const lanesOf = (info: GPUAdapterInfo | undefined): number | undefined =>
  info?.subgroupMinSize === info?.subgroupMaxSize ? info?.subgroupMinSize : undefined;

/** `info` may be missing, and so may its fields: nothing depends on them but the choice of kernels. */
function adapterName(info: GPUAdapterInfo | undefined): AdapterName {
  const { vendor = '', architecture = '', description = '' } = info ?? {};
  const software = info?.isFallbackAdapter === true || /swiftshader|llvmpipe|basic render/i.test(`${architecture} ${description}`);
  return { vendor, architecture, description, software };
}
