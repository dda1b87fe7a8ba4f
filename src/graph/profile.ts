/**
 * How long each kernel of a plan takes, by the GPU's own clock. Browsers round that clock (Chrome to 65.5 microseconds) and one dispatch
 * may take less, so that a dispatch is repeated in one pass until the pass is long enough, and the time divided.
 */
import { FaceXFormerError } from '../gpu/errors.ts';
import { dispatch } from '../gpu/pipelines.ts';
import { readBack } from '../gpu/readback.ts';
import { refusalOf } from '../gpu/scope.ts';
import { pipelineKey } from '../kernels/kernel.ts';
import type { Plan } from './plan.ts';
import type { Program, Step } from './program.ts';

/** The dispatches of a frame that run the same pipeline on the same grid, timed together. */
export interface KernelTime {
  readonly kernel: string;
  /** What tells its pipeline from others of the kernel: machine shape and constants. */
  readonly pipeline: string;
  readonly workgroups: readonly [number, number, number];
  /** Nodes of the plan. A frame runs as many dispatches of this kind. */
  readonly nodes: readonly string[];
  /** How long one dispatch takes. */
  readonly milliseconds: number;
  /** How many dispatches the measurement took. */
  readonly repeats: number;
  /** Floating-point operations and bytes of one dispatch (their mean, where operands differ). */
  readonly flops: number;
  readonly bytes: number;
}

/** A measurement lasts at least so long: 100 steps of Chrome's clock. */
export const LEAST_MS = 6.5536;
const MOST_REPEATS = 1 << 15;
/** A pass that would keep everybody waiting for longer is not begun, whatever the GPU's clock says: drivers end what takes seconds. */
const MOST_WAIT_MS = 500;

/**
 * Runs a frame, then every pipeline on each of its grids. Repeats go round the dispatches that share one, so that each finds other weights,
 * as in a frame; what a single dispatch repeats may stay in the GPU's cache. The activations hold nothing of use afterwards.
 * @throws FaceXFormerError BAD_OPTION where the device was made without `timestamp-query`, GPU_ERROR
 */
export async function profile(program: Program): Promise<KernelTime[]> {
  const { device, plan } = program;
  const timer = new PassTimer(device);
  try {
    const encoder = device.createCommandEncoder({ label: 'profile' });
    program.encode(encoder); // real values in the buffers, and the newest picture bound
    device.queue.submit([encoder.finish()]);
    const times: KernelTime[] = [];
    for (const group of groupsOf(plan)) {
      const steps = group.map((i) => program.steps[i] as Step);
      const { kernel, launch } = (steps[0] as Step).dispatch;
      const { milliseconds, repeats } = await timer.measure((pass, n) => {
        const { pipeline, bindGroup } = steps[n % steps.length] as Step;
        dispatch(pass, pipeline, bindGroup, launch.workgroups);
      });
      const mean = (value: (step: Step) => number) => steps.reduce((sum, step) => sum + value(step), 0) / steps.length;
      times.push({
        kernel: kernel.name,
        pipeline: pipelineKey(kernel, launch).slice(kernel.name.length + 1),
        workgroups: launch.workgroups,
        nodes: steps.map(({ dispatch }) => dispatch.node),
        milliseconds,
        repeats,
        flops: mean(({ dispatch }) => dispatch.flops),
        bytes: mean(({ dispatch }) => dispatch.bytes),
      });
    }
    return times;
  } finally {
    timer.destroy();
  }
}

/** Numbers of the dispatches that share a pipeline and a grid, in the order of their first. */
export function groupsOf({ dispatches }: Pick<Plan, 'dispatches'>): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, { kernel, launch }] of dispatches.entries()) {
    const key = `${pipelineKey(kernel, launch)} @ ${launch.workgroups}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return [...groups.values()];
}

/**
 * How many repeats to take next, from a pass of `repeats` that took `milliseconds`; undefined when that one was long enough. It grows at most
 * 32 times at once: the first pass may read as nothing.
 */
export function moreRepeats(repeats: number, milliseconds: number, least = LEAST_MS): number | undefined {
  if (milliseconds >= least || repeats >= MOST_REPEATS) return undefined;
  const wanted = Math.ceil((1.25 * least * repeats) / Math.max(milliseconds, 1e-6));
  return Math.min(Math.max(wanted, 2 * repeats), 32 * repeats, MOST_REPEATS);
}

/** How long one repeat takes, measured over a pass of several. */
export interface Measured {
  readonly milliseconds: number;
  readonly repeats: number;
}

/**
 * The first pass of `least` milliseconds or more, but the very first: some drivers compile a pipeline when it is used first. Where the
 * GPU's clock tells nothing, this machine's does.
 * @param known milliseconds of one repeat, as measured before: the first pass may be the only one
 */
export async function measured(pass: (repeats: number) => Promise<number>, least = LEAST_MS, known?: number): Promise<Measured> {
  let repeats = known === undefined ? 1 : Math.min(MOST_REPEATS, Math.ceil((1.1 * least) / known));
  for (let first = known === undefined; ; first = false) {
    const start = performance.now();
    const whole = await pass(repeats);
    const waited = performance.now() - start;
    const more = Math.min(moreRepeats(repeats, whole, least) ?? 0, Math.floor((repeats * MOST_WAIT_MS) / waited));
    // A clock that is faster than before shortens a pass that was long enough; half as long is still good for two percent.
    const isEnough = more <= repeats || (known !== undefined && whole >= least / 2);
    if (!first && isEnough) return { milliseconds: (whole || waited) / repeats, repeats };
    repeats = Math.max(more, 1);
  }
}

/** What is known of a dispatch, and how closely it is to be measured. */
export interface Measuring {
  /** Milliseconds that it took before. */
  readonly known?: number | undefined;
  /** Of a measurement's usual length; 1 unless told otherwise. */
  readonly share?: number | undefined;
}

/** Times what a compute pass does, by a timestamp at its beginning and one at its end. */
export class PassTimer {
  readonly #times: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #read: GPUBuffer;

  /** @throws FaceXFormerError BAD_OPTION where the device was made without `timestamp-query` */
  constructor(readonly device: GPUDevice) {
    if (!device.features.has('timestamp-query'))
      throw new FaceXFormerError('BAD_OPTION', 'Kernels can be timed only on a device that was made with the feature timestamp-query.');
    this.#times = device.createQuerySet({ type: 'timestamp', count: 2 });
    this.#resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#read = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** Milliseconds of one `encode`, from as many of them in one pass as make it long enough; `encode` is told its number. See `Timer`. */
  measure(encode: (pass: GPUComputePassEncoder, n: number) => void, { known, share = 1 }: Measuring = {}): Promise<Measured> {
    return measured((repeats) => this.#pass(repeats, encode), share * LEAST_MS, known);
  }

  async #pass(repeats: number, encode: (pass: GPUComputePassEncoder, n: number) => void): Promise<number> {
    const { device } = this;
    const refusal = refusalOf(device, () => {
      const encoder = device.createCommandEncoder({ label: 'profile' });
      const timestampWrites = { querySet: this.#times, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      for (let n = 0; n < repeats; n++) encode(pass, n);
      pass.end();
      encoder.resolveQuerySet(this.#times, 0, 2, this.#resolved, 0);
      encoder.copyBufferToBuffer(this.#resolved, 0, this.#read, 0, 16);
      device.queue.submit([encoder.finish()]);
    });
    const [begin = 0n, end = 0n] = await readBack(this.#read, 'the measurement', refusal, (mapped) => new BigUint64Array(mapped.slice(0)));
    return end > begin ? Number(end - begin) / 1e6 : 0;
  }

  destroy(): void {
    this.#times.destroy();
    this.#resolved.destroy();
    this.#read.destroy();
  }
}
