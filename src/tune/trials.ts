/** The candidates of one shape on a GPU: the weights are the network's, activations are random and in buffers of their own. */
import { float32Of, toFloat16 } from '../checkpoint/float16.ts';
import { bindGroupOf, dispatch, Pipelines } from '../gpu/pipelines.ts';
import { readBack } from '../gpu/readback.ts';
import { allocated, refusalOf } from '../gpu/scope.ts';
import type { Parameters } from '../graph/parameters.ts';
import type { Dispatch, Place, Slot } from '../graph/plan.ts';
import { fillWith, knownNumbers, type Stored } from '../graph/self-test.ts';
import { type Timer, timerOf } from '../graph/timer.ts';
import type { Candidate } from './candidates.ts';
import { nmse } from './nmse.ts';
import type { Trial, Tunable } from './tune.ts';

/** Float32 sums in another order differ by less than 1e-10; what is stored in float16 is rounded besides. */
const BOUNDS = { f32: 1e-10, f16: 1e-6 };

/** Opens trials on one GPU; `destroy` when the last is closed. */
export class Trials {
  readonly #pipelines: Pipelines;
  readonly #numbers = numbers();

  private constructor(
    private readonly parameters: Pick<Parameters, 'device' | 'get'>,
    private readonly timer: Timer,
  ) {
    this.#pipelines = new Pipelines(parameters.device); // of its own: what loses is let go of
  }

  static async on(parameters: Pick<Parameters, 'device' | 'get'>): Promise<Trials> {
    return new Trials(parameters, await timerOf(parameters.device));
  }

  /** @throws FaceXFormerError LIMIT, GPU_ERROR */
  async open(tunable: Tunable): Promise<Trial> {
    const { device } = this.parameters;
    const scratch = await allocated(device, `the tuning of ${tunable.label}`, () => scratchOf(device, tunable, this.#numbers));
    const compiled = Promise.allSettled(tunable.candidates.map(({ kernel, launch }) => this.#pipelines.get(kernel, launch)));
    const table = tunable.candidates[0] as Candidate;
    const times = new Map<Candidate, number>();
    const run = (one: Candidate) => this.#runner(tunable, one, scratch);
    const { dtype } = outputOf(tunable);
    let expected: Float32Array | undefined;
    return {
      compiled,
      time: async (one, share) => {
        const known = times.get(one) ?? times.get(table); // which is not so far from it that a pass would be too short or very long
        const { milliseconds } = await this.timer.measure(await run(one), { known, share });
        times.set(one, milliseconds);
        return milliseconds;
      },
      error: async (one) => {
        expected ??= await outputs(device, await run(table), scratch, dtype);
        return nmse(await outputs(device, await run(one), scratch, dtype), expected);
      },
      bound: BOUNDS[dtype],
      close() {
        for (const buffer of scratch) buffer.destroy();
      },
    };
  }

  destroy(): void {
    this.timer.destroy();
  }

  /** Encodes one dispatch. They go round the nodes, so that each finds other weights, as in a frame. What is bound is made in the pass, whose refusals are heard. */
  async #runner({ dispatches }: Tunable, { kernel, launch }: Candidate, scratch: readonly GPUBuffer[]) {
    const { device } = this.parameters;
    const pipeline = await this.#pipelines.get(kernel, launch);
    const resource = (place: Place, binding: number): GPUBufferBinding =>
      place.kind === 'parameter'
        ? { buffer: this.parameters.get(place) }
        : { buffer: scratch[binding] as GPUBuffer, size: (place as Slot).bytes };
    const groups: GPUBindGroup[] = [];
    return (pass: GPUComputePassEncoder, n: number) => {
      const i = n % dispatches.length;
      const { node, places } = dispatches[i] as Dispatch;
      groups[i] ??= bindGroupOf(device, `tune ${node}`, pipeline, places.map(resource));
      dispatch(pass, pipeline, groups[i], launch.workgroups);
    };
  }
}

const outputOf = ({ dispatches }: Tunable): Slot => (dispatches[0] as Dispatch).places.at(-1) as Slot;

/** A buffer a binding, large enough for every dispatch; the inputs hold numbers of [0, 1), so that the statistics of a stream are some. */
function scratchOf(device: GPUDevice, { dispatches }: Tunable, filling: ReturnType<typeof numbers>): GPUBuffer[] {
  const bindings = (dispatches[0] as Dispatch).places.length;
  return Array.from({ length: bindings }, (_, binding) => {
    const slots = dispatches.map(({ places }) => places[binding]).filter((place): place is Slot => place?.kind === 'slot');
    const bytes = Math.max(16, ...slots.map((slot) => Math.ceil(slot.bytes / 4) * 4));
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ label: `tune ${binding}`, size: bytes, usage });
    if (binding < bindings - 1 && slots[0]) fillWith(device, buffer, filling[slots[0].dtype]);
    return buffer;
  });
}

function numbers(): Record<Slot['dtype'], Stored> {
  const f32 = knownNumbers(true);
  return { f32, f16: toFloat16(f32) };
}

type Run = (pass: GPUComputePassEncoder, n: number) => void;

/** What one dispatch makes of a y that was cleared: what it does not write is zero. @throws FaceXFormerError GPU_ERROR */
async function outputs(device: GPUDevice, run: Run, scratch: readonly GPUBuffer[], dtype: 'f32' | 'f16'): Promise<Float32Array> {
  const y = scratch.at(-1) as GPUBuffer;
  const read = device.createBuffer({ label: 'tune', size: y.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  try {
    const refused = refusalOf(device, () => {
      const encoder = device.createCommandEncoder({ label: 'tune' });
      encoder.clearBuffer(y);
      const pass = encoder.beginComputePass();
      run(pass, 0);
      pass.end();
      encoder.copyBufferToBuffer(y, 0, read, 0, y.size);
      device.queue.submit([encoder.finish()]);
    });
    const mapped = await readBack(read, 'the check', refused, (numbers) => numbers.slice(0));
    return dtype === 'f32' ? new Float32Array(mapped) : float32Of(new Uint16Array(mapped));
  } finally {
    read.destroy();
  }
}
