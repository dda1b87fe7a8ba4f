/** The parameters' buffers on one GPU: filled tensor by tensor as the checkpoint arrives, shared by every program. */

import type { Checkpoint, ReadOptions } from '../checkpoint/checkpoint.ts';
import { toFloat16 } from '../checkpoint/float16.ts';
import { aligned } from '../checkpoint/values.ts';
import { FaceXFormerError, noMemory, throwIfAborted } from '../gpu/errors.ts';
import { refusalOf } from '../gpu/scope.ts';
import type { Parameter } from './graph.ts';
import { parameterBytes } from './plan.ts';

export class Parameters {
  readonly #buffers = new Map<string, GPUBuffer>();
  readonly #refusals: Promise<GPUError | undefined>[] = [];

  constructor(readonly device: GPUDevice) {}

  /** The buffer of a parameter that `load` has filled. */
  get({ name }: Parameter): GPUBuffer {
    return this.#buffers.get(name) as GPUBuffer;
  }

  /** Bytes on the GPU. */
  get bytes(): number {
    return [...this.#buffers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Reads the checkpoint once and makes every parameter as soon as the tensors it is made from are there. What waits for others
   * is copied; everything else is made from the reader's bytes.
   * @param checkpoint of float32: see `inFloat32`
   * @throws FaceXFormerError LIMIT, WRONG_WEIGHTS, ABORTED, and what reading throws
   */
  async load(parameters: readonly Parameter[], checkpoint: Checkpoint, options: ReadOptions = {}): Promise<void> {
    const waiting = new Set(parameters.filter(({ name }) => !this.#buffers.has(name)));
    const users = new Map<string, Parameter[]>();
    for (const parameter of waiting) for (const name of parameter.from) users.set(name, [...(users.get(name) ?? []), parameter]);
    const held = new Map<string, Float32Array>();
    for (const parameter of waiting) if (parameter.from.length === 0) this.#make(parameter, held, waiting);
    for await (const { info, data } of checkpoint.read(options)) {
      throwIfAborted(options.signal); // nothing is made when loading has failed elsewhere
      const using = users.get(info.name);
      if (!using) continue;
      held.set(info.name, aligned(data));
      for (const parameter of using) if (parameter.from.every((name) => held.has(name))) this.#make(parameter, held, waiting);
      if (using.some((parameter) => waiting.has(parameter))) held.set(info.name, (held.get(info.name) as Float32Array).slice());
      else held.delete(info.name);
      for (const name of held.keys()) if (!users.get(name)?.some((parameter) => waiting.has(parameter))) held.delete(name);
    }
    const [missing] = waiting;
    if (missing) throw new FaceXFormerError('WRONG_WEIGHTS', `${checkpoint.source} lacks a tensor of ${missing.from.join(', ')}.`);
    if ((await Promise.all(this.#refusals)).some(Boolean)) throw noMemory(`${this.bytes} bytes of weights`);
  }

  #make(parameter: Parameter, held: ReadonlyMap<string, Float32Array>, waiting: Set<Parameter>): void {
    const bytes = parameterBytes(parameter);
    const size = Math.max(16, Math.ceil(bytes / 4) * 4);
    let buffer!: GPUBuffer;
    const usage = GPUBufferUsage.STORAGE;
    const create = () => {
      buffer = this.device.createBuffer({ label: parameter.name, size, usage, mappedAtCreation: true });
    };
    try {
      this.#refusals.push(refusalOf(this.device, create)); // known later: until then the buffer can be filled all the same
    } catch (error) {
      throw noMemory(`${parameter.name} (${size} bytes)`, { cause: error });
    }
    this.#buffers.set(parameter.name, buffer);
    const sources = parameter.from.map((name) => held.get(name) as Float32Array);
    // Filled in ordinary memory and copied once: mapped memory may be the GPU's own, where a number at a time takes a microsecond each.
    const values = new Float32Array(parameter.length);
    parameter.fill(values, sources);
    const mapped = buffer.getMappedRange();
    if (parameter.dtype === 'f32') new Float32Array(mapped, 0, parameter.length).set(values);
    else new Uint16Array(mapped, 0, parameter.length).set(toFloat16(values, parameter.name));
    buffer.unmap();
    waiting.delete(parameter);
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
  }
}
