/** The parameters' buffers on one GPU: filled tensor by tensor as the checkpoint arrives, shared by every program. */

import type { Checkpoint, ReadOptions } from '../checkpoint/checkpoint.ts';
import { mustBeFinite, toFloat16 } from '../checkpoint/float16.ts';
import { aligned } from '../checkpoint/values.ts';
import { noMemory, throwIfAborted, wrongWeights } from '../gpu/errors.ts';
import { refusalOf } from '../gpu/scope.ts';
import type { Parameter } from './graph.ts';

export class Parameters {
  readonly #buffers = new Map<string, GPUBuffer>();
  readonly #refusals: Promise<GPUError | undefined>[] = [];
  /** Bytes since the last submit. */
  #written = 0;

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
    const waiting = new Set(parameters);
    const users = new Map<string, Parameter[]>();
    for (const parameter of waiting) for (const name of parameter.from) users.set(name, [...(users.get(name) ?? []), parameter]);
    const held = new Map<string, Float32Array>();
    const copies = new Copies();
    const turn = new Turn();
    // Where one after the other is made: memory that is asked for each time costs more than the packing of what lies in it.
    const room = new Float32Array(Math.max(0, ...[...waiting].map(({ length }) => length)));
    const make = async (parameter: Parameter) => {
      const sources = parameter.from.map((name) => held.get(name) as Float32Array);
      await this.#make(parameter, sources, room.subarray(0, parameter.length).fill(0), turn, options.signal);
      waiting.delete(parameter);
    };
    for (const parameter of waiting) if (parameter.from.length === 0) await make(parameter);
    for await (const { info, data } of checkpoint.read(options)) {
      throwIfAborted(options.signal);
      const using = users.get(info.name);
      if (!using && info.dtype !== 'F32') continue;
      const values = aligned(data);
      mustBeFinite(info.name, values); // of what nobody reads too: the file is damaged, whatever else is wrong with it
      if (!using) continue;
      held.set(info.name, values);
      for (const parameter of using) if (parameter.from.every((name) => held.has(name))) await make(parameter);
      if (using.some((parameter) => waiting.has(parameter))) held.set(info.name, copies.of(values));
      else held.delete(info.name);
      for (const [name, copy] of held) {
        if (users.get(name)?.some((parameter) => waiting.has(parameter))) continue;
        held.delete(name);
        copies.free(copy);
      }
    }
    const [missing] = waiting;
    if (missing) throw wrongWeights(`${checkpoint.source} lacks a tensor of ${missing.from.join(', ')}.`);
    if ((await Promise.all(this.#refusals)).some(Boolean)) throw noMemory(`${this.bytes} bytes of weights`);
  }

  /** Fills it in ordinary memory, and the queue copies it once: where numbers went into mapped memory one by one, a load took minutes. */
  async #make(
    parameter: Parameter,
    sources: readonly Float32Array[],
    values: Float32Array<ArrayBuffer>,
    turn: Turn,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const _ of parameter.steps(values, sources)) await turn.over();
    await turn.over();
    mustBeFinite(parameter.name, values); // what weights make together may be none, such as a negative variance's root
    const stored = parameter.dtype === 'f32' ? values : toFloat16(values, parameter.name);
    await turn.over();
    throwIfAborted(signal); // where loading has failed elsewhere meanwhile, nothing would free it
    const { queue } = this.device;
    const words = Math.ceil(stored.byteLength / 4);
    const size = Math.max(16, 4 * words);
    const write = () => {
      const buffer = this.device.createBuffer({ label: parameter.name, size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
      this.#buffers.set(parameter.name, buffer);
      queue.writeBuffer(buffer, 0, stored.buffer, 0, 4 * words);
      this.#written += size;
      if (this.#written < SUBMITTED) return;
      this.#written = 0;
      queue.submit([]);
    };
    try {
      this.#refusals.push(refusalOf(this.device, write)); // known later: until then others are written all the same
    } catch (error) {
      throw noMemory(`${parameter.name} (${size} bytes)`, { cause: error });
    }
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
  }
}

/** Copies of what waits for others. Their memory is used again, which takes less time than to ask for it anew. */
class Copies {
  readonly #free: Float32Array[] = [];

  of(values: Float32Array): Float32Array {
    const found = this.#free.findIndex(({ length }) => length >= values.length && length < 2 * values.length);
    const room = this.#free.splice(found < 0 ? this.#free.length : found, 1)[0] ?? new Float32Array(values.length);
    room.set(values);
    return room.subarray(0, values.length);
  }

  free(copy: Float32Array): void {
    this.#free.push(new Float32Array(copy.buffer));
  }
}

/** Bytes after which the queue is told to go on: what is written waits in memory of the browser's until then. */
const SUBMITTED = 2 ** 24;

/** Milliseconds of work after which a page gets to draw a frame: three of four parts of one, so that what is begun then ends in time. */
const TURN = 12;

/** A share of the thread's time: others are let in when it is used up. */
export class Turn {
  #begun = performance.now();

  /** Waits, where the turn has lasted long enough, until what else is due has been done. */
  async over(): Promise<void> {
    if (performance.now() - this.#begun < TURN) return;
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel(); // timers are held back by browsers once they follow one another
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    });
    this.#begun = performance.now();
  }
}
