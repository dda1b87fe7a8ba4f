/** A plan as GPU objects, made once. A frame is one encoder, one pass, one loop, one submit, one map; it creates nothing on the GPU. */
import { FaceXFormerError } from '../gpu/errors.ts';
import type { Pipelines } from '../gpu/pipelines.ts';
import type { Parameters } from './parameters.ts';
import type { Dispatch, Plan } from './plan.ts';

/** What the engine owns and a plan names as a resource. `version` changes when `picture` is another texture. */
export interface Resources {
  readonly texture: GPUTexture;
  readonly table: GPUBuffer;
  readonly version: number;
}

/** A dispatch with the objects that it runs on. */
export interface Step {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
}

export class Program {
  #resourcesVersion: number;

  private constructor(
    readonly device: GPUDevice,
    readonly plan: Plan,
    readonly parameters: Parameters,
    readonly resources: Resources,
    readonly slots: readonly GPUBuffer[],
    readonly steps: readonly Step[],
    private readonly staging: GPUBuffer,
  ) {
    this.#resourcesVersion = resources.version;
  }

  /** Waits for the plan's pipelines and makes its buffers and bind groups; the parameters must be loaded. */
  static async create(pipelines: Pipelines, plan: Plan, parameters: Parameters, resources: Resources): Promise<Program> {
    const { device } = pipelines;
    const made = await Promise.all(plan.dispatches.map(({ kernel, launch }) => pipelines.get(kernel, launch)));
    device.pushErrorScope('out-of-memory');
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    const slots = plan.slots.map((size, i) => device.createBuffer({ label: `slot ${i}`, size: Math.max(16, size), usage }));
    const staging = device.createBuffer({
      label: 'readback',
      size: Math.max(4, plan.totals.readbackBytes),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    if (await device.popErrorScope()) {
      for (const buffer of [...slots, staging]) buffer.destroy();
      throw new FaceXFormerError('LIMIT', `The GPU has no memory for ${plan.totals.activationBytes} bytes of activations.`);
    }
    const steps = plan.dispatches.map((dispatch, i) => {
      const pipeline = made[i] as GPUComputePipeline;
      return { dispatch, pipeline, bindGroup: bind(device, dispatch, pipeline, { slots, parameters, resources }) };
    });
    return new Program(device, plan, parameters, resources, slots, steps, staging);
  }

  /** Encodes a frame: the plan's dispatches, then what is read back, into one buffer. */
  encode(encoder: GPUCommandEncoder): void {
    if (this.resources.version !== this.#resourcesVersion) this.#rebindResources();
    const pass = encoder.beginComputePass();
    for (const { dispatch, pipeline, bindGroup } of this.steps) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...dispatch.launch.workgroups);
    }
    pass.end();
    let at = 0;
    for (const { slot, bytes } of this.plan.readbacks) {
      encoder.copyBufferToBuffer(this.slots[slot] as GPUBuffer, 0, this.staging, at, bytes);
      at += bytes;
    }
  }

  /** Waits for the encoded frame and copies its results out, by name, as the GPU laid them out. */
  async read(): Promise<Map<string, ArrayBuffer>> {
    await this.staging.mapAsync(GPUMapMode.READ);
    const results = new Map<string, ArrayBuffer>();
    const mapped = this.staging.getMappedRange(); // whole: a part of it would have to begin at a multiple of 8
    let at = 0;
    for (const { name, bytes } of this.plan.readbacks) {
      results.set(name, mapped.slice(at, at + bytes));
      at += bytes;
    }
    this.staging.unmap();
    return results;
  }

  /** Frees the activations and the readback buffer; parameters and resources are the engine's. */
  destroy(): void {
    for (const buffer of [...this.slots, this.staging]) buffer.destroy();
  }

  #rebindResources(): void {
    for (const step of this.steps)
      if (step.dispatch.places.some(({ kind }) => kind === 'resource'))
        step.bindGroup = bind(this.device, step.dispatch, step.pipeline, this);
    this.#resourcesVersion = this.resources.version;
  }
}

interface Bound {
  readonly slots: readonly GPUBuffer[];
  readonly parameters: Parameters;
  readonly resources: Resources;
}

function bind(
  device: GPUDevice,
  { node, places }: Dispatch,
  pipeline: GPUComputePipeline,
  { slots, parameters, resources }: Bound,
): GPUBindGroup {
  const resource = (place: Dispatch['places'][number]): GPUBindingResource => {
    if (place.kind === 'slot') return { buffer: slots[place.slot] as GPUBuffer, size: place.bytes };
    if (place.kind === 'parameter') return { buffer: parameters.get(place) };
    return place.name === 'picture' ? resources.texture.createView() : { buffer: resources.table };
  };
  const entries = places.map((place, binding) => ({ binding, resource: resource(place) }));
  return device.createBindGroup({ label: node, layout: pipeline.getBindGroupLayout(0), entries });
}
