/**
 * Times what a compute pass does. Browsers round the GPU's clock (Chrome to 65.5 microseconds) and one dispatch may take less, so that a dispatch is
 * repeated in one pass until the pass is long enough, and the time divided.
 */
import { badOption, gpuError } from '../gpu/errors.ts';
import { readBack } from '../gpu/readback.ts';
import { refusalOf, silent } from '../gpu/scope.ts';
import { PATIENCE, within } from '../gpu/waiting.ts';

/** A measurement lasts at least so long: 100 steps of Chrome's clock. */
const LEAST_MS = 6.5536;
const MOST_REPEATS = 1 << 15;
/** A pass that would keep everybody waiting for longer is not begun, whatever the GPU's clock says: drivers end what takes seconds. */
const MOST_WAIT_MS = 500;

/**
 * How many repeats to take next, from a pass of `repeats` that took `milliseconds`; undefined when that one was long enough. It grows at most
 * 32 times at once: the first pass may read as nothing.
 */
export function moreRepeats(repeats: number, milliseconds: number, least = LEAST_MS): number | undefined {
  if (milliseconds >= least) return undefined;
  const wanted = Math.ceil((1.25 * least * repeats) / Math.max(milliseconds, 1e-6));
  return Math.min(Math.max(wanted, 2 * repeats), 32 * repeats, MOST_REPEATS);
}

/** How long one repeat takes, measured over a pass of several. */
interface Measured {
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

/** Adds one of what is timed to a pass; it is told its number there. */
type Encode = (pass: GPUComputePassEncoder, n: number) => void;

export class Timer {
  /** @param pass gives the milliseconds of a pass with so many of them; a measurement lasts `least` milliseconds */
  constructor(
    private readonly pass: (repeats: number, encode: Encode) => Promise<number>,
    private readonly least: number,
    readonly destroy: () => void = () => {},
  ) {}

  /**
   * Milliseconds of one `encode`, from as many of them in one pass as make it long enough.
   * @param known milliseconds that it took before; `share`: of a measurement's usual length
   */
  measure(encode: Encode, { known, share = 1 }: { known?: number | undefined; share?: number | undefined } = {}): Promise<Measured> {
    return measured((repeats) => this.pass(repeats, encode), share * this.least, known);
  }
}

/** Gives a timer that goes by the GPU's own clock, where the device has one, and else by this machine's. */
export const timerOf = async (device: GPUDevice): Promise<Timer> =>
  device.features.has('timestamp-query') ? passTimer(device) : submitTimer(device);

/** Goes by a timestamp at a pass's beginning and one at its end. @throws FaceXFormerError BAD_OPTION where the device was made without `timestamp-query` */
export function passTimer(device: GPUDevice): Timer {
  if (!device.features.has('timestamp-query'))
    throw badOption('Kernels can be timed only on a device that was made with the feature timestamp-query.');
  const times = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const read = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const timestampWrites = { querySet: times, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
  const pass = async (repeats: number, encode: Encode): Promise<number> => {
    const refusal = refusalOf(device, () => {
      const encoder = device.createCommandEncoder({ label: 'profile' });
      encodeInto(encoder.beginComputePass({ timestampWrites }), repeats, encode);
      encoder.resolveQuerySet(times, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, read, 0, 16);
      device.queue.submit([encoder.finish()]);
    });
    const [begin = 0n, end = 0n] = await readBack(read, 'the measurement', refusal, (mapped) => new BigUint64Array(mapped.slice(0)));
    return end > begin ? Number(end - begin) / 1e6 : 0;
  };
  return new Timer(pass, LEAST_MS, () => {
    for (const one of [times, resolved, read]) one.destroy();
  });
}

/** Goes by this machine's clock from a submit to its end, less what a submit that does nothing takes: Firefox answers every 100 ms. */
async function submitTimer(device: GPUDevice): Promise<Timer> {
  const { queue } = device;
  const idled = () => within(PATIENCE.gpu, queue.onSubmittedWorkDone(), silent);
  const pass = async (repeats: number, encode: Encode): Promise<number> => {
    let start = 0;
    const refused = refusalOf(device, () => {
      const encoder = device.createCommandEncoder({ label: 'tune' });
      encodeInto(encoder.beginComputePass(), repeats, encode);
      const commands = encoder.finish();
      start = performance.now();
      queue.submit([commands]);
    });
    await idled();
    const took = performance.now() - start;
    const said = await refused;
    if (said) throw gpuError(`The GPU refused the measurement: ${said.message}`);
    return took;
  };
  await idled();
  const idle: number[] = [];
  for (let i = 0; i < 3; i++) idle.push(await pass(1, () => {}));
  const overhead = Math.max(0, Math.min(...idle));
  return new Timer(async (repeats, encode) => Math.max((await pass(repeats, encode)) - overhead, 0), Math.max(LEAST_MS, 4 * overhead));
}

function encodeInto(pass: GPUComputePassEncoder, repeats: number, encode: Encode): void {
  for (let n = 0; n < repeats; n++) encode(pass, n);
  pass.end();
}
