/**
 * The self-test: before a network runs, each of its pipelines does once, on numbers that are known, and of what it gives a few are compared with
 * what its kernel has to give in float64 (kernels/answer.ts). Compilers and GPUs that compute wrongly are found before anybody believes a result.
 * The pipelines are the plan's own, so that nothing is compiled for it, and no weights are wanted: it runs while they arrive.
 */
import { float32Of, toFloat16 } from '../checkpoint/float16.ts';
import { throwIfAborted } from '../gpu/errors.ts';
import { bindGroupOf, dispatch, type Pipelines } from '../gpu/pipelines.ts';
import { readBack } from '../gpu/readback.ts';
import { allocated, refusalOf } from '../gpu/scope.ts';
import type { Operand, Operands } from '../kernels/answer.ts';
import { type Dtype, pipelineKey } from '../kernels/kernel.ts';
import { BYTES, type Parameter } from './graph.ts';
import { Turn } from './parameters.ts';
import { type Dispatch, type Place, type Plan, parameterBytes, type Slot } from './plan.ts';

/** How far a number may be from the right one, times one more than that is: float32 sums differ in their last bits, float16 is rounded besides. */
export const ALLOWED: Record<Dtype, number> = { f32: 3e-4, f16: 4e-3 };

/** Numbers after which they repeat: no row and no tile is as long, nor are several. */
const PERIOD = 65_498;

/** Numbers as a buffer holds them. */
export type Stored = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** The bindings of a dispatch begin so many bytes apart in what repeats, so that no two are the same. */
const APART = 256;
/** How many numbers of y are read at each of three places: its beginning, its end and somewhere between. */
const READ = 64;
/** Which of them are looked at: a stream ends with the mean of 64 numbers, the sum of their squares, and two zeros. */
export const LOOKED_AT: number[] = [0, 17, 38, 59, 60, 61, 63];

type Read = Exclude<Place, { kind: 'resource' }>;

/** Numbers that bindings read, again and again. */
interface Numbers {
  readonly values: Float32Array;
  readonly stored: Stored;
  /** Bytes of their buffer. */
  bytes: number;
}

/**
 * Says what is wrong with the first pipeline that computes wrongly; undefined where all compute rightly. What reads a picture is not tried, nor are
 * kernels without an answer.
 * @param plan of one image
 * @param signal frees what there is at once, whatever is under way
 * @throws FaceXFormerError LIMIT, GPU_ERROR, DEVICE_LOST, ABORTED
 */
export async function selfTest(pipelines: Pipelines, plan: Plan, signal?: AbortSignal): Promise<string | undefined> {
  const { device } = pipelines;
  const once = new Map<string, Dispatch>(); // the smallest that a pipeline runs, in the order in which they are compiled
  for (const one of plan.dispatches.filter(isTried).map(firstRowsOf)) {
    const key = pipelineKey(one.kernel, one.launch);
    if (one.launch.macs < (once.get(key)?.launch.macs ?? Number.POSITIVE_INFINITY)) once.set(key, one);
  }
  const dispatches = [...once.values()];
  if (dispatches.length === 0) return undefined;
  const inputs = new Map<string, Numbers>();
  for (const { places } of dispatches)
    for (const [binding, place] of places.slice(0, -1).entries()) {
      const numbers = inputs.get(nameOf(place)) ?? numbersOf(place as Read);
      inputs.set(nameOf(place), numbers);
      numbers.bytes = Math.max(numbers.bytes, firstOf(place, binding) + bytesOf(place));
    }
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const made = await allocated(device, 'the self-test', () => {
    const create = (size: number, usage: number) => device.createBuffer({ label: 'self-test', size, usage });
    return [
      create(3 * 4 * READ * dispatches.length, MAP_READ | COPY_DST),
      create(Math.max(...dispatches.map(({ places }) => bytesOf(places.at(-1) as Place))), STORAGE | COPY_SRC),
      ...[...inputs.values()].map(({ bytes }) => create(bytes, STORAGE | COPY_DST)),
    ];
  });
  const [read, y, ...filled] = made;
  const buffers = new Map([...inputs.keys()].map((name, i) => [name, filled[i] as GPUBuffer]));
  const free = () => {
    for (const one of made) one.destroy();
  };
  signal?.addEventListener('abort', free);
  try {
    throwIfAborted(signal);
    const write = () => {
      for (const [name, { stored }] of inputs) fillWith(device, buffers.get(name) as GPUBuffer, stored);
    };
    const refusals = [refusalOf(device, write)];
    const run = ({ places, launch }: Dispatch, i: number, pipeline: GPUComputePipeline) => {
      const out = places.at(-1) as Slot;
      const resources = places.map((place, binding) => {
        const buffer = buffers.get(nameOf(place)) as GPUBuffer;
        return place === out ? { buffer: y, size: bytesOf(out) } : { buffer, offset: firstOf(place, binding), size: bytesOf(place) };
      });
      const encoder = device.createCommandEncoder({ label: 'self-test' });
      const pass = encoder.beginComputePass();
      dispatch(pass, pipeline, bindGroupOf(device, 'self-test', pipeline, resources), launch.workgroups);
      pass.end();
      const bytes = Math.min(READ * BYTES[out.dtype], bytesOf(out));
      for (const [j, first] of placesOf(out, i).entries())
        encoder.copyBufferToBuffer(y, first * BYTES[out.dtype], read, 4 * READ * (3 * i + j), bytes);
      device.queue.submit([encoder.finish()]);
    };
    // Each as soon as there is a pipeline: some drivers compile only what runs, and do so while the others are on their way.
    for (const [i, dispatch] of dispatches.entries()) {
      const pipeline = await pipelines.get(dispatch.kernel, dispatch.launch);
      throwIfAborted(signal);
      refusals.push(refusalOf(device, () => run(dispatch, i, pipeline)));
    }
    const refused = Promise.all(refusals).then((said) => said.find(Boolean));
    const given = readBack(read, 'the self-test', refused, (mapped) => mapped.slice(0));
    given.catch(() => {}); // told when its turn comes
    const turn = new Turn();
    const answers: number[][] = [];
    for (const [i, dispatch] of dispatches.entries()) {
      await turn.over();
      answers.push(answersOf(dispatch, i, inputs));
    }
    const numbers = await given;
    for (const [i, dispatch] of dispatches.entries()) {
      const wrong = wrongOf(dispatch, i, answers[i] as number[], numbers);
      if (wrong) return wrong;
    }
    return undefined;
  } finally {
    signal?.removeEventListener('abort', free);
    free();
  }
}

const isTried = ({ kernel, places }: Dispatch): boolean => !!kernel.answer && places.every(({ kind }) => kind !== 'resource');

/** A dispatch that makes no more than the first rows of what it makes, where its kernel can be told so. */
function firstRowsOf(dispatch: Dispatch): Dispatch {
  const { kernel, launch, places } = dispatch;
  const first = kernel.answer?.firstRows?.(dispatch.shape as never);
  if (!first || first.rows >= first.of) return dispatch;
  const fewer = (count: number) => Math.ceil((count * first.rows) / first.of);
  const workgroups = [...launch.workgroups] as [number, number, number];
  workgroups[first.axis] = fewer(workgroups[first.axis]);
  return {
    ...dispatch,
    shape: first.shape,
    launch: { ...launch, workgroups, macs: fewer(launch.macs) },
    places: places.map((place, i) =>
      place.kind === 'slot' && (i === 0 || i === places.length - 1) ? { ...place, bytes: fewer(place.bytes) } : place,
    ),
  };
}

/** Weights are of either sign, what nodes make is not: it may hold sums of squares. Constants are what they are. */
const nameOf = (place: Place): string =>
  place.kind === 'slot'
    ? `made ${place.dtype}`
    : place.kind === 'parameter' && place.from.length > 0
      ? `weights ${place.dtype}`
      : place.name;

function numbersOf(place: Read): Numbers {
  const isConstant = place.kind === 'parameter' && place.from.length === 0;
  const values = isConstant ? new Float32Array(place.length) : knownNumbers(place.kind === 'slot');
  if (isConstant) for (const _ of place.steps(values, []));
  if (place.dtype === 'f32') return { values, stored: values, bytes: 0 };
  const stored = toFloat16(values);
  return { values: float32Of(stored), stored, bytes: 0 };
}

/** Numbers of [0, 1) in no order, or as many below 0. */
const numberAt = (i: number, isPositive: boolean): number => (Math.imul(i + 1, 0x9e3779b1) >>> 8) / 2 ** 24 - (isPositive ? 0 : 0.5);

/** The same ones every time. */
export function knownNumbers(isPositive: boolean): Float32Array<ArrayBuffer> {
  const values = new Float32Array(PERIOD);
  for (let i = 0; i < PERIOD; i++) values[i] = numberAt(i, isPositive);
  return values;
}

/** Writes them into a buffer again and again, until it is full. */
export function fillWith({ queue }: GPUDevice, buffer: GPUBuffer, { buffer: numbers, byteLength }: Stored): void {
  for (let at = 0; at < buffer.size; at += byteLength) queue.writeBuffer(buffer, at, numbers, 0, Math.min(byteLength, buffer.size - at));
}

/** Where a binding begins in its buffer. */
const firstOf = (place: Place, binding: number): number => (place.kind === 'parameter' && place.from.length === 0 ? 0 : APART * binding);

const bytesOf = (place: Place): number => {
  const bytes = place.kind === 'slot' ? place.bytes : parameterBytes(place as Parameter);
  return Math.max(16, 4 * Math.ceil(bytes / 4));
};

/** The first numbers of y that are read. */
function placesOf({ bytes, dtype }: Slot, i: number): number[] {
  const last = Math.max(0, bytes / BYTES[dtype] - READ);
  return [0, 4 * Math.floor((last / 4) * numberAt(i, true)), last];
}

/** What a pipeline has to give where it is looked at; NaN where nothing is known of it. */
function answersOf({ kernel, shape, places }: Dispatch, i: number, inputs: ReadonlyMap<string, Numbers>): number[] {
  const operands: Record<string, Operand> = {};
  for (const [binding, place] of places.slice(0, -1).entries()) {
    const { values } = inputs.get(nameOf(place)) as Numbers;
    const { dtype } = place as Read;
    const first = firstOf(place, binding) / BYTES[dtype];
    const at = (j: number) => values[((first + j) >>> 0) % (values.length >>> 0)] as number; // whole numbers take half as long to divide
    operands[kernel.bindings[binding]?.name ?? ''] = Object.assign(at, { size: bytesOf(place) / BYTES[dtype] });
  }
  const rightAt = kernel.answer?.(shape as never, operands as Operands) as (i: number) => number;
  const out = places.at(-1) as Slot;
  const count = out.bytes / BYTES[out.dtype];
  return placesOf(out, i).flatMap((first) => LOOKED_AT.map((k) => (first + k < count ? rightAt(first + k) : Number.NaN)));
}

/** What is wrong of what a pipeline gave. */
function wrongOf({ kernel, launch, node, places }: Dispatch, i: number, answers: readonly number[], given: ArrayBuffer) {
  const out = places.at(-1) as Slot;
  const allowed = ALLOWED[Object.values(launch.machine ?? {}).includes('f16') ? 'f16' : 'f32'];
  for (const [j, first] of placesOf(out, i).entries()) {
    const words = new Uint32Array(given, 4 * READ * (3 * i + j), READ);
    const numbers =
      out.dtype === 'f32'
        ? new Float32Array(words.buffer, words.byteOffset, READ)
        : float32Of(new Uint16Array(words.buffer, words.byteOffset, READ));
    for (const [n, k] of LOOKED_AT.entries()) {
      const right = answers[j * LOOKED_AT.length + n] as number;
      const isRight = words[k] === right || Math.abs((numbers[k] as number) - right) <= allowed * (1 + Math.abs(right));
      if (!isRight && !Number.isNaN(right))
        return `The GPU computes wrongly: the kernel ${kernel.name} gave ${numbers[k]} where ${right} is right, as number ${first + k} of ${node}.`;
    }
  }
  return undefined;
}
