/** A WebGPU device that needs nothing optional: default limits; features are asked for only where faster kernels wait for them. */
import { FaceXFormerError, gpuLost, throwIfAborted } from './errors.ts';
import { optionsOf, given as takes } from './given.ts';
import { PATIENCE, pause, unless, whenThere, within } from './waiting.ts';

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

/** Of WebGPU's default limits those that the kernels and their buffers need; devices below core WebGPU, and some that apps lend, have less. */
const NEEDED = {
  maxBindingsPerBindGroup: 8,
  maxBufferSize: 2 ** 27,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 64,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
} as const;

export interface GpuOptions {
  signal?: AbortSignal | undefined;
  /** Whether to ask for `shader-f16`; it is no error where the GPU lacks it. */
  float16?: boolean;
  /** Whether a CPU may do the GPU's work; true unless given. */
  software?: boolean | undefined;
}

/** @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, DEVICE_LOST, ABORTED */
export async function openGpu(given: LentDevice | undefined, { signal, float16 = false, software }: GpuOptions = {}): Promise<Gpu> {
  if (given !== undefined) {
    mustBeDevice(given);
    const device = given as GPUDevice;
    checkLimits('device', device.limits);
    return gpuOf(device, device.adapterInfo, false);
  }
  let failure: FaceXFormerError | undefined;
  for await (const adapter of adapters(signal)) {
    checkAdapter(adapter, software);
    const subgroups = adapterName(adapter.info).software && lanesOf(adapter.info) !== undefined; // kernels for CPUs count on their lanes
    const wanted = { subgroups, 'shader-f16': float16 };
    const features = (['subgroups', 'shader-f16'] as const).filter((feature) => wanted[feature] && adapter.features.has(feature));
    try {
      const device = await requestDevice(adapter, features, signal);
      // A device of an adapter whose GPU has just gone comes lost: `lost` settles at once, and a fresh adapter is wanted.
      const lost = await Promise.race([device.lost.then(() => true), new Promise<false>((no) => setTimeout(no, 0, false))]);
      if (!lost) return gpuOf(device, adapter.info, true);
      failure = gpuLost('as soon as it was there');
    } catch (error) {
      if (error instanceof FaceXFormerError) throw error;
      failure = noDevice(error);
    }
  }
  throw failure ?? noAdapter();
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

/** What `checkSupport` takes. */
export interface SupportOptions {
  /** Whether a CPU may do the GPU's work, as in `LoadOptions`; true unless given. */
  software?: boolean | undefined;
  /** Ends the waiting with ABORTED. */
  signal?: AbortSignal | undefined;
}

/**
 * Whether the engine can run here, told before anything is downloaded: asks for an adapter, makes nothing, and needs no network. Where it cannot,
 * `reason` says why: WEBGPU_UNAVAILABLE (no WebGPU, or a page that is not secure), NO_ADAPTER (no GPU, or none but a CPU), LIMIT (a GPU whose limits
 * are too low, which the message names). The ONNX export runs the network on other runtimes.
 * @throws FaceXFormerError ABORTED, BAD_OPTION
 */
export async function checkSupport(options: SupportOptions = {}): Promise<Support> {
  const { software, signal } = optionsOf<SupportOptions>('checkSupport', { software: 'boolean', signal: 'signal' }, options);
  try {
    for await (const adapter of adapters(signal)) {
      checkAdapter(adapter, software);
      return { supported: true, adapter: adapterName(adapter.info), float16: adapter.features.has('shader-f16') };
    }
    return { supported: false, reason: noAdapter() };
  } catch (error) {
    throwIfAborted(signal);
    return { supported: false, reason: FaceXFormerError.from(error) };
  }
}

/** Asks for adapters as long as one is wanted and there is hope. @throws FaceXFormerError WEBGPU_UNAVAILABLE, NO_ADAPTER, ABORTED */
async function* adapters(signal: AbortSignal | undefined): AsyncGenerator<GPUAdapter, void, undefined> {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) throw unavailable();
  const ask = async () => gpu.requestAdapter({ powerPreference: 'high-performance' });
  for (const wait of ATTEMPTS) {
    await pause(wait, signal);
    const asked = unless(
      signal,
      ask().catch(() => null),
    );
    const adapter = await within(PATIENCE.adapter, asked, () => noAdapter(`has not answered for ${PATIENCE.adapter / 1000} s`));
    if (adapter) yield adapter;
  }
}

function noAdapter(what = 'gave no GPU'): FaceXFormerError {
  return new FaceXFormerError(
    'NO_ADAPTER',
    `There is WebGPU, but it ${what}. Install or update the graphics driver, in Node on Linux that for Vulkan; in a browser see chrome://gpu (or about:support), and reload the page.`,
  );
}

function noDevice(cause: unknown): FaceXFormerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FaceXFormerError('NO_ADAPTER', `The GPU gave no device: ${reason}. Reload the page, or restart the browser.`, { cause });
}

/** @throws FaceXFormerError NO_ADAPTER: a CPU, which the app refuses. LIMIT */
function checkAdapter({ info, limits }: GPUAdapter, software = true): void {
  if (!software && adapterName(info).software)
    throw new FaceXFormerError('NO_ADAPTER', 'Here a CPU does the work of a GPU, which is slow, and `software: false` refuses it.');
  checkLimits('GPU', limits);
}

/** @throws FaceXFormerError LIMIT, with what there must be */
function checkLimits(whose: string, limits: Partial<GPUSupportedLimits> | undefined): void {
  const low = (Object.keys(NEEDED) as (keyof typeof NEEDED)[]).filter((name) => (limits?.[name] ?? NEEDED[name]) < NEEDED[name]);
  if (low.length === 0) return;
  const each = low.map((name) => `${name} is ${limits?.[name]} and must be ${NEEDED[name]}`);
  throw new FaceXFormerError('LIMIT', `This ${whose} is below WebGPU's default limits: ${each.join(', ')}.`);
}

/** What there is: a device has the features that it was asked for and no others. */
function gpuOf(device: GPUDevice, info: GPUAdapterInfo | undefined, own: boolean): Gpu {
  const loss = new AbortController(); // who waits for `device.lost` itself is kept as long as an application's device lives
  void device.lost.then(({ message, reason }) => loss.abort(message || reason));
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
      : 'There is no WebGPU here. Use Chrome or Edge 123, Safari 26, Firefox 141, or later; in Node install the package webgpu.',
  );
}

/** One that comes too late is destroyed. @throws FaceXFormerError ABORTED, and what the driver says */
async function requestDevice(adapter: GPUAdapter, requiredFeatures: GPUFeatureName[], signal: AbortSignal | undefined): Promise<GPUDevice> {
  const asked = (async () => adapter.requestDevice({ label: 'facexformer', requiredFeatures }))();
  try {
    return await within(PATIENCE.device, unless(signal, asked), () => noDevice(`no answer in ${PATIENCE.device / 1000} s`));
  } catch (error) {
    whenThere(asked, (device) => device.destroy());
    throw error;
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
