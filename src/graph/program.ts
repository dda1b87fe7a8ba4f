/**
 * A plan as GPU objects, made once. A frame is one encoder, one pass, one loop, one submit, one map, and creates nothing on the GPU; on a slow
 * GPU it is several submits. Up to RING frames are in flight: they share the activations, since the GPU runs them in order, and each has a readback buffer of its own.
 */
import { disposed, gpuError } from '../gpu/errors.ts';
import type { Pace } from '../gpu/pace.ts';
import { bindGroupOf, layersOf, type Pipelines } from '../gpu/pipelines.ts';
import { ReadbackRing, readBack } from '../gpu/readback.ts';
import { allocated, refusalOf } from '../gpu/scope.ts';
import { STAMP_BYTES, Stamp } from '../gpu/stamp.ts';
import { PATIENCE } from '../gpu/waiting.ts';
import type { Sizes } from '../kernels/kernel.ts';
import { SIZES } from './graph.ts';
import type { Parameters } from './parameters.ts';
import type { Dispatch, Place, Plan } from './plan.ts';

/**
 * What a plan reads that is neither a parameter nor made by a dispatch, by the names that the graph gives: a texture or a buffer. Whoever
 * runs the program owns and fills them, and may put another object under a name at any time: the next frame reads that one.
 */
export type Resources = ReadonlyMap<string, GPUTexture | GPUBuffer>;

/** What a frame gives, by name, as the GPU laid it out. */
export type Results = ReadonlyMap<string, ArrayBuffer>;

/** A frame that the GPU was given. */
export interface Frame {
  /** Milliseconds of JavaScript that recording and submitting took. */
  readonly encode: number;
  /**
   * Rejects with GPU_ERROR (the GPU refused the frame), DEVICE_LOST or DISPOSED, for this frame alone: a frame that failed gives no
   * numbers. Who does not await it hears no complaint.
   */
  readonly results: Promise<Results>;
}

/** A dispatch with the objects that it runs on. */
export interface Step {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
}

const NO_SIZES: Sizes = [];

export class Program {
  /** The plan's resources as the bind groups have them. */
  readonly #bound: Map<string, GPUTexture | GPUBuffer | undefined>;
  #before: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly device: GPUDevice,
    readonly plan: Plan,
    readonly parameters: Parameters,
    readonly resources: Resources,
    readonly slots: readonly GPUBuffer[],
    readonly steps: readonly Step[],
    private readonly ring: ReadbackRing,
    private readonly stamp: Stamp,
    private readonly pace: Pace,
  ) {
    this.#bound = new Map(namesOf(plan).map((name) => [name, given(resources, name)]));
  }

  /** Waits for the plan's pipelines and makes its buffers and bind groups; the parameters must be loaded, the resources there. */
  static async create(pipelines: Pipelines, plan: Plan, parameters: Parameters, resources: Resources): Promise<Program> {
    const { device } = pipelines;
    const made = await Promise.all(plan.dispatches.map(({ kernel, launch }) => pipelines.get(kernel, launch)));
    const counts = await Stamp.pipeline(pipelines);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    const [ring, stamp, ...slots] = await allocated(device, `${plan.totals.activationBytes} bytes of activations`, () => [
      new ReadbackRing(device, plan.totals.readbackBytes + STAMP_BYTES),
      Stamp.on(device, counts),
      ...plan.slots.map((size, i) => device.createBuffer({ label: `slot ${i}`, size: Math.max(16, size), usage })),
    ]);
    let steps: Step[] = [];
    const bound = () => {
      steps = plan.dispatches.map((dispatch, i) => {
        const pipeline = made[i] as GPUComputePipeline;
        return { dispatch, pipeline, bindGroup: bind(device, dispatch, pipeline, { slots, parameters, resources }) };
      });
    };
    try {
      const refused = await refusalOf(device, bound);
      if (refused) throw gpuError(`The GPU refused the network's buffers: ${refused.message}`);
      return new Program(device, plan, parameters, resources, slots, steps, ring, stamp, pipelines.pace);
    } catch (error) {
      for (const one of [ring, stamp, ...slots]) one.destroy();
      throw error;
    }
  }

  /**
   * Gives the GPU a frame as soon as less than RING are in flight. Results come in the order of the frames.
   * @param sizes the numbers that this frame's grids follow, and its kernels by the resource `sizes`; without them every grid is its largest
   * @throws FaceXFormerError DISPOSED
   */
  async run(sizes: Sizes = NO_SIZES): Promise<Frame> {
    const staging = await this.ring.take();
    if (this.ring.destroyed) throw disposed();
    const start = performance.now();
    const refused = refusalOf(this.device, () => this.#submit(staging, sizes));
    const encode = performance.now() - start;
    const results = this.#read(staging, refused, this.#before);
    this.#before = results.catch(() => {});
    return { encode, results };
  }

  /** Frees the activations and the readback buffers; parameters and resources are the caller's. Frames in flight fail with DISPOSED. */
  destroy(): void {
    this.ring.destroy();
    this.stamp.destroy();
    for (const buffer of this.slots) buffer.destroy();
  }

  /** Destroys the program once the frames in flight have been read. */
  retire(): void {
    void this.ring.idle().then(() => this.destroy());
  }

  /** The plan's dispatches, in one pass, and the frame's stamp; or a part of them. */
  encode(encoder: GPUCommandEncoder, sizes: Sizes = NO_SIZES, steps: readonly Step[] = this.steps): void {
    this.#bindReplaced();
    const pass = encoder.beginComputePass();
    let last: GPUComputePipeline | undefined;
    for (const { dispatch, pipeline, bindGroup } of steps) {
      if (pipeline !== last) pass.setPipeline(pipeline);
      last = pipeline;
      pass.setBindGroup(0, bindGroup);
      const { workgroups, workgroupsOf } = dispatch.launch;
      const [x, y, z] = workgroupsOf && sizes.length > 0 ? workgroupsOf(sizes) : workgroups;
      pass.dispatchWorkgroups(x, y, z);
    }
    if (steps.at(-1) === this.steps.at(-1)) this.stamp.encode(pass);
    pass.end();
  }

  #submit(staging: GPUBuffer, sizes: Sizes): void {
    const own = this.#bound.has(SIZES.name) && this.resources.get(SIZES.name);
    if (own && sizes.length > 0) this.device.queue.writeBuffer(own as GPUBuffer, 0, Uint32Array.from(sizes));
    const pieces = this.#pieces();
    for (const [i, steps] of pieces.entries()) {
      const encoder = this.device.createCommandEncoder({ label: 'frame' });
      this.encode(encoder, sizes, steps);
      if (i === pieces.length - 1) this.#copyResults(encoder, staging);
      this.device.queue.submit([encoder.finish()]);
    }
  }

  /** The dispatches of each submit: as many as take the same time. */
  #pieces(): (readonly Step[])[] {
    const { macs } = this.plan.totals;
    const count = this.pace.pieces(macs, this.plan.images);
    const pieces: Step[][] = [[]];
    let done = 0;
    for (const step of this.steps) {
      if (done > (pieces.length * macs) / count) pieces.push([]);
      pieces.at(-1)?.push(step);
      done += step.dispatch.launch.macs;
    }
    return pieces;
  }

  #copyResults(encoder: GPUCommandEncoder, staging: GPUBuffer): void {
    let at = 0;
    for (const { slot, offset, bytes } of this.plan.readbacks) {
      encoder.copyBufferToBuffer(this.slots[slot] as GPUBuffer, offset, staging, at, bytes);
      at += bytes;
    }
    this.stamp.copy(encoder, staging, at);
  }

  /** @param before ends when the frame before has been read */
  async #read(staging: GPUBuffer, refused: Promise<GPUError | undefined>, before: Promise<unknown>): Promise<Results> {
    const ended = this.pace.begun(this.plan.totals.macs);
    const read = (mapped: ArrayBuffer): Results => {
      this.stamp.check(mapped, this.plan.totals.readbackBytes);
      ended();
      return this.#copied(mapped);
    };
    const known = before.then(() => refused); // stamps rise from frame to frame, and are checked so
    try {
      return await readBack(staging, 'the frame', known, read, { patience: PATIENCE.gpu * this.plan.images });
    } catch (error) {
      for (const name of this.#bound.keys()) this.#bound.set(name, undefined); // it may be its bind groups that were refused: the next frame has others
      throw this.ring.destroyed ? disposed() : error;
    } finally {
      this.ring.release(staging);
    }
  }

  #copied(mapped: ArrayBuffer): Results {
    const results = new Map<string, ArrayBuffer>();
    let at = 0;
    for (const { name, bytes } of this.plan.readbacks) {
      results.set(name, mapped.slice(at, at + bytes));
      at += bytes;
    }
    return results;
  }

  /** Makes the bind groups of those dispatches anew that read a resource which is another object now. */
  #bindReplaced(): void {
    const replaced = new Set<string>();
    for (const [name, was] of this.#bound) if (given(this.resources, name) !== was) replaced.add(name);
    if (replaced.size === 0) return;
    for (const step of this.steps)
      if (step.dispatch.places.some((place) => place.kind === 'resource' && replaced.has(place.name)))
        step.bindGroup = bind(this.device, step.dispatch, step.pipeline, this);
    for (const name of replaced) this.#bound.set(name, given(this.resources, name));
  }
}

/** The resources that a plan reads. */
const namesOf = ({ dispatches }: Plan): string[] => [
  ...new Set(dispatches.flatMap(({ places }) => places.flatMap((place) => (place.kind === 'resource' ? place.name : [])))),
];

function given(resources: Resources, name: string): GPUTexture | GPUBuffer {
  const found = resources.get(name);
  if (!found) throw new Error(`the plan reads a resource ${name}, which was not given`);
  return found;
}

interface Bound {
  readonly slots: readonly GPUBuffer[];
  readonly parameters: Parameters;
  readonly resources: Resources;
}

function bind(
  device: GPUDevice,
  { node, kernel, places }: Dispatch,
  pipeline: GPUComputePipeline,
  { slots, parameters, resources }: Bound,
): GPUBindGroup {
  const resource = (place: Place, binding: number): GPUBindingResource => {
    if (place.kind === 'slot') return { buffer: slots[place.slot] as GPUBuffer, offset: place.offset, size: place.bytes };
    if (place.kind === 'parameter') return { buffer: parameters.get(place) };
    const own = given(resources, place.name);
    return kernel.bindings[binding]?.kind === 'texture' ? layersOf(own as GPUTexture) : { buffer: own as GPUBuffer };
  };
  return bindGroupOf(device, node, pipeline, places.map(resource));
}
