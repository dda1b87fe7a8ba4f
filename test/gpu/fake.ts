/**
 * A GPU for tests that is made of JavaScript: it keeps WebGPU's rules for objects, errors and losses, and "computes" numbers that depend on what a
 * dispatch reads. Each call that a browser can fail or leave unanswered is a point; a test chooses one and what happens there.
 */
import { afterEach, beforeEach, vi } from 'vitest';
import { TRIED } from '../../src/detect/self-test.ts';
import { Graph } from '../../src/graph/graph.ts';
import { LOOKED_AT } from '../../src/graph/self-test.ts';

/**
 * What happens at a point: the call fails as WebGPU lets it fail, for want of memory or otherwise; it never answers; or the GPU is gone when it is
 * made, with its process or because the device was destroyed.
 */
export type Fault = 'fails' | 'exhausted' | 'hangs' | 'lost' | 'destroyed';

/** Points in the order in which they are reached. */
export class Faults {
  readonly reached: string[] = [];
  /** The number of the point that is faulty, and how. */
  at = -1;
  fault: Fault = 'fails';
  /** Whether the points after it are faulty too, for as long as this is so. */
  lasting = false;
  /** Takes the GPU away. */
  lose = (_: Fault) => {};

  /** @returns how this call goes wrong */
  point(name: string): Fault | undefined {
    const point = this.reached.push(name) - 1;
    if (point !== this.at && !(this.lasting && point > this.at)) return undefined;
    if (this.fault !== 'lost' && this.fault !== 'destroyed') return this.fault;
    this.lose(this.fault);
    return undefined;
  }

  /** An answer that may fail or never come. */
  async answer<T>(name: string, give: () => T | Promise<T>, error: () => Error): Promise<T> {
    const fault = this.point(name);
    if (fault === 'fails' || fault === 'exhausted') throw error();
    if (fault === 'hangs') return new Promise(() => {});
    return give();
  }
}

interface Object_ {
  readonly label: string;
  /** Whether WebGPU made it though something was wrong: whatever uses it is wrong as well. */
  readonly invalid: boolean;
}

const operationError = (): Error => new DOMException('made to fail', 'OperationError');

class FakeBuffer implements Object_ {
  mapState: GPUBufferMapState = 'unmapped';
  destroyed = false;
  readonly size: number;
  readonly label: string;
  #data: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    readonly device: FakeDevice,
    { size, label = '', mappedAtCreation }: GPUBufferDescriptor,
    readonly invalid: boolean,
  ) {
    this.size = size;
    this.label = label;
    if (mappedAtCreation) this.mapState = 'mapped';
  }

  get data(): Uint8Array<ArrayBuffer> {
    this.#data ??= new Uint8Array(this.size);
    return this.#data;
  }

  getMappedRange(offset = 0, size = this.size - offset): ArrayBuffer {
    if (this.mapState !== 'mapped') throw operationError();
    return offset === 0 && size === this.size ? this.data.buffer : this.data.buffer.slice(offset, offset + size);
  }

  async mapAsync(): Promise<void> {
    if (this.mapState !== 'unmapped') throw operationError();
    this.mapState = 'pending';
    let stop = () => {};
    const gone = new Promise<never>((_, reject) => {
      stop = () => reject(new DOMException('the device is gone', 'AbortError'));
      if (this.device.isGone) stop();
      this.device.whenGone.add(stop);
    });
    const answer = this.device.faults.answer(
      'mapAsync',
      () => new Promise<void>((resolve) => setTimeout(resolve, this.device.frame)),
      operationError,
    );
    try {
      await Promise.race([answer, gone]);
      if (this.destroyed) throw new DOMException('destroyed', 'AbortError');
      this.mapState = 'mapped';
    } catch (error) {
      this.mapState = 'unmapped';
      throw error;
    } finally {
      this.device.whenGone.delete(stop);
    }
  }

  unmap(): void {
    this.mapState = 'unmapped';
  }

  destroy(): void {
    this.destroyed = true;
    this.device.alive.delete(this);
  }
}

type Command = () => void;

class FakeEncoder implements Object_ {
  readonly label = '';
  readonly commands: Command[] = [];
  /** Buffers that its commands write, none of which may be mapped then. */
  readonly written: FakeBuffer[] = [];
  invalid: boolean;

  constructor(
    readonly device: FakeDevice,
    invalid: boolean,
  ) {
    this.invalid = invalid;
  }

  beginComputePass() {
    let pipeline: (Object_ & { name: string }) | undefined;
    let group: (Object_ & { entries: GPUBindGroupEntry[] }) | undefined;
    return {
      setPipeline: (set: typeof pipeline) => {
        pipeline = set;
      },
      setBindGroup: (_: number, set: typeof group) => {
        group = set;
      },
      dispatchWorkgroups: () => {
        if (!pipeline || !group || pipeline.invalid || group.invalid) this.invalid = true;
        const [run, bound] = [pipeline, group];
        this.commands.push(() => this.device.dispatch(run?.name ?? '', bound?.entries ?? []));
      },
      end: () => {},
    };
  }

  clearBuffer(buffer: FakeBuffer, offset = 0, size = buffer.size - offset): void {
    this.commands.push(() => buffer.data.fill(0, offset, offset + size));
  }

  copyBufferToBuffer(from: FakeBuffer, fromAt: number, to: FakeBuffer, at: number, size: number): void {
    if (from.invalid || to.invalid) this.invalid = true;
    this.written.push(to);
    this.commands.push(() => to.data.set(from.data.subarray(fromAt, fromAt + size), at));
  }

  copyTextureToTexture({ texture: from }: { texture: FakeTexture }, { texture: to }: { texture: FakeTexture }): void {
    if (from.invalid || to.invalid) this.invalid = true;
    this.commands.push(() => {
      to.pixels.seen = from.pixels.seen;
    });
  }

  finish() {
    return this;
  }
}

type FakeTexture = Object_ & { pixels: { seen: number } };

export class FakeDevice {
  readonly features = new Set<string>();
  readonly limits = { maxTextureDimension2D: 8192, maxBufferSize: 2 ** 28 };
  readonly adapterInfo = { vendor: 'fake' };
  readonly lost: Promise<{ reason: string; message: string }>;
  /** Called when it is lost. */
  readonly whenGone = new Set<() => void>();
  /** Buffers and textures that were not destroyed. */
  readonly alive = new Set<object>();
  /** Errors that nobody's scope took. */
  readonly uncaptured: string[] = [];
  readonly submits: number[] = [];
  /** Pictures that were given to it. */
  uploads = 0;
  /** Names of kernels in the order of their dispatches. */
  readonly dispatched: string[] = [];
  /** Milliseconds of a frame. */
  frame = 0;
  /** Whether dispatches do anything. */
  works = true;
  readonly #scopes: { readonly filter: string; said?: string }[] = [];
  #lose!: (info: { reason: string; message: string }) => void;
  isGone = false;

  constructor(readonly faults: Faults) {
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  /** The GPU's process ends. */
  lose(reason = 'unknown', message = 'the GPU is gone'): void {
    if (this.isGone) return;
    this.isGone = true;
    this.alive.clear();
    this.#lose({ reason, message });
    for (const tell of this.whenGone) tell();
  }

  destroy(): void {
    this.lose('destroyed', 'Device was destroyed.');
  }

  pushErrorScope(filter: string): void {
    this.#scopes.push({ filter });
  }

  popErrorScope(): Promise<{ message: string } | null> {
    const said = this.#scopes.pop()?.said;
    return this.faults.answer('popErrorScope', () => (said === undefined || this.isGone ? null : { message: said }), operationError);
  }

  /** @returns whether what is made is invalid */
  #make(name: string, parts: readonly (Object_ | undefined)[] = []): boolean {
    const fault = this.faults.point(name);
    if (this.isGone) return false;
    const invalid = fault !== undefined || parts.some((part) => part?.invalid);
    if (invalid) this.error(`${name} was made to fail`, fault === 'exhausted' ? 'out-of-memory' : 'validation');
    return invalid;
  }

  /** The innermost scope for such errors takes it. */
  error(message: string, filter = 'validation'): void {
    if (this.isGone) return;
    const scope = this.#scopes.findLast((one) => one.filter === filter);
    if (scope) scope.said ??= message;
    else this.uncaptured.push(message);
  }

  createBuffer(descriptor: GPUBufferDescriptor): FakeBuffer {
    const invalid = this.#make('createBuffer');
    if (invalid && descriptor.mappedAtCreation) throw new RangeError('made to fail');
    const buffer = new FakeBuffer(this, descriptor, invalid);
    if (!this.isGone) this.alive.add(buffer);
    return buffer;
  }

  createTexture({ label = '', size }: { label?: string; size: number[] }) {
    const invalid = this.#make('createTexture');
    const [width = 1, height = 1, depthOrArrayLayers = 1] = size;
    const alive = this.alive;
    const pixels = { seen: 0 };
    const texture = {
      label,
      invalid,
      width,
      height,
      depthOrArrayLayers,
      pixels,
      createView: () => ({ label, invalid: this.#make('createView', [texture]), pixels }),
      destroy(): void {
        alive.delete(this);
      },
    };
    if (!this.isGone) alive.add(texture);
    return texture;
  }

  createShaderModule({ label = '', code }: GPUShaderModuleDescriptor) {
    const invalid = this.#make('createShaderModule');
    return { label, invalid, code, getCompilationInfo: async () => ({ messages: [] }) };
  }

  createComputePipelineAsync({ label = '', compute }: { label?: string; compute: { module: Object_ } }): Promise<object> {
    const made = () => {
      if (compute.module.invalid) throw operationError();
      return { label, invalid: false, name: label, getBindGroupLayout: () => ({ label, invalid: false }) };
    };
    return this.faults.answer('createComputePipelineAsync', made, operationError);
  }

  createBindGroup({ label = '', entries }: { label?: string; entries: GPUBindGroupEntry[] }) {
    const parts = entries.map(({ resource }) => ('buffer' in resource ? resource.buffer : resource) as unknown as Object_);
    if (parts.some((part) => !part))
      throw new TypeError(`Failed to execute 'createBindGroup' on 'GPUDevice': ${label} has an entry of nothing.`);
    return { label, entries, invalid: this.#make('createBindGroup', parts) };
  }

  createCommandEncoder(): FakeEncoder {
    return new FakeEncoder(this, this.#make('createCommandEncoder'));
  }

  readonly queue = {
    writeBuffer: (buffer: FakeBuffer, at: number, values: ArrayBuffer | ArrayBufferView<ArrayBuffer>, first = 0, size?: number) => {
      if (this.#make('writeBuffer', [buffer])) return;
      const bytes =
        'buffer' in values ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : new Uint8Array(values, first, size);
      if (!this.isGone) buffer.data.set(bytes, at);
    },
    writeTexture: ({ texture }: { texture: FakeTexture }, data: Uint8Array) => {
      if (this.#make('writeTexture', [texture])) return;
      this.uploads++;
      texture.pixels.seen = (data[0] ?? 0) / 256;
    },
    copyExternalImageToTexture: ({ source }: { source: { seen: number } }, { texture }: { texture: FakeTexture }) => {
      if (this.#make('copyExternalImageToTexture', [texture])) return;
      this.uploads++;
      texture.pixels.seen = source.seen;
    },
    submit: (encoders: FakeEncoder[]) => {
      this.submits.push(encoders.reduce((sum, { commands }) => sum + commands.length, 0));
      if (this.#make('submit', encoders) || this.isGone) return;
      if (encoders.some(({ written }) => written.some(({ mapState }) => mapState !== 'unmapped'))) return this.error('a buffer is mapped');
      for (const { commands } of encoders) for (const command of commands) command();
    },
    onSubmittedWorkDone: async () => {},
  };

  /** The stamp counts; every other kernel fills what it writes with a number that follows from the first numbers that it reads. */
  dispatch(kernel: string, entries: readonly GPUBindGroupEntry[]): void {
    this.dispatched.push(kernel);
    if (!this.works) return;
    const views = entries.map(({ resource }) => {
      if (!('buffer' in resource)) return Float32Array.of((resource as unknown as { pixels: { seen: number } }).pixels.seen);
      const { buffer, offset = 0, size = buffer.size - offset } = resource as GPUBufferBinding;
      const { data } = buffer as unknown as FakeBuffer;
      return new Float32Array(data.buffer, offset, Math.floor(size / 4));
    });
    const y = views.at(-1) as Float32Array;
    if (kernel === 'stamp') {
      const count = new Uint32Array(y.buffer, y.byteOffset, 1);
      count[0] = (count[0] as number) + 1;
      return;
    }
    if (/^parse/.test(kernel)) {
      y.fill(0); // the first class, since not every number is one
      return;
    }
    let sum = kernel.length;
    for (const x of views.slice(0, -1)) sum += Math.fround(Number.isFinite(x[0]) ? (x[0] as number) : 0) * 3.1 + 0.7;
    y.fill(Math.abs(sum) % 1);
    if (y.length < 1000) for (let i = 1; i < y.length; i += 2) y[i] = Math.abs(1.7 * sum) % 1; // of equal ones softmax would make the same of every picture
  }
}

LOOKED_AT.length = 0; // what it "computes" is no network's: the self-test runs, and believes it
for (const network of Object.keys(TRIED)) delete TRIED[network];

/** Puts a GPU into `navigator.gpu`; `vi.unstubAllGlobals()` takes it away. */
export function fakeGpu(faults = new Faults()) {
  const devices: FakeDevice[] = [];
  const gpu = {
    faults,
    devices,
    /** Adapters that there are yet; browsers refuse them after crashes. */
    adapters: Number.POSITIVE_INFINITY,
    /** Called with each device before the engine has it. */
    prepare: (_: FakeDevice) => {},
    get device(): FakeDevice {
      return devices.at(-1) as FakeDevice;
    },
    /** A device that an app made. */
    lend(): FakeDevice {
      const device = new FakeDevice(faults);
      devices.push(device);
      gpu.prepare(device);
      return device;
    },
  };
  faults.lose = (how) => devices.at(-1)?.lose(...(how === 'destroyed' ? (['destroyed', 'Device was destroyed.'] as const) : []));
  const requestDevice = async () => gpu.lend();
  const adapter = () => {
    if (gpu.adapters <= 0) return null;
    gpu.adapters--;
    return {
      features: new Set(),
      info: { vendor: 'fake' },
      requestDevice: () => faults.answer('requestDevice', requestDevice, operationError),
    };
  };
  const requestAdapter = () => faults.answer('requestAdapter', adapter, operationError);
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  vi.stubGlobal('GPUTextureUsage', { COPY_SRC: 1, COPY_DST: 2, TEXTURE_BINDING: 4, STORAGE_BINDING: 8, RENDER_ATTACHMENT: 16 });
  vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128, QUERY_RESOLVE: 512 });
  vi.stubGlobal('GPUMapMode', { READ: 1, WRITE: 2 });
  return gpu;
}

/** Parameters of which only the first number is made: what they hold does not matter to such a GPU, and takes long to compute. */
export function hastyParameters(): void {
  const { parameter } = Graph.prototype;
  vi.spyOn(Graph.prototype, 'parameter').mockImplementation(function (this: Graph, name, from, length, dtype) {
    return parameter.call(this, name, from, length, dtype, (into, sources) => void into.fill(sources[0]?.[0] ?? 1, 0, 1));
  });
}

/** A GPU for each test of a file, and hasty parameters; all that it puts in place of others is gone after the test. @param begin is given it */
export function eachWithFakeGpu(begin: (gpu: ReturnType<typeof fakeGpu>) => void): void {
  beforeEach(() => {
    hastyParameters();
    begin(fakeGpu());
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
}
