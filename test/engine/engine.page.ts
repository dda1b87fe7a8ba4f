/** What a page does with an engine, right and wrong; each function tells what came of it. */
import { type Box, FaceXFormer, type LoadOptions, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { codeOf } from '../errors.ts';
import { type Counts, counting } from './count.ts';

let engine: FaceXFormer;

const grey = { data: new Uint8Array(64 * 48 * 4).fill(128), width: 64, height: 48 };
const seeded = () => seededCheckpoint(tensorsOf('released'));

/** What comes of work, in words that JSON takes. */
const outcome = async (work: () => unknown): Promise<string> => String(await codeOf(work));

/** Loads what later calls use; tells the phases in the order they were reported. */
export async function load(): Promise<string[]> {
  const phases = new Set<string>();
  engine = await FaceXFormer.load({ weights: seeded(), tasks: ['age', 'gender'], onProgress: ({ phase }) => phases.add(phase) });
  return [...phases];
}

export const facts = () => ({ tasks: engine.tasks, ...engine.info });

/** One frame whose whole result is small enough to compare. */
export async function ages(count: number): Promise<number[][]> {
  const runs = Array.from({ length: count }, () => engine.analyze(grey));
  return (await Promise.all(runs)).map(({ faces }) => Object.values(faces[0]?.age?.probabilities ?? {}));
}

export async function keys(): Promise<string[]> {
  const { faces } = await engine.analyze(grey, { tasks: ['gender'] });
  return Object.keys(faces[0] ?? {}).sort();
}

const shaded = { data: Uint8Array.from({ length: 64 * 48 * 4 }, (_, i) => (i * i) >> 8), width: 64, height: 48 };
const left: Box = { x0: 0, y0: 0, x1: 32, y1: 48 };
const right: Box = { x0: 32, y0: 0, x1: 64, y1: 48 };
const agesOf = async (boxes: Box[]) => (await engine.analyze(shaded, { tasks: ['age'], boxes })).faces.map(({ age }) => age?.probabilities);

/** Calls of one face, two faces, and none that is right, all at once: the order of their answers, which must be those of calls alone. */
export async function overlapping(): Promise<{ order: string[]; equal: boolean; different: boolean; counts: Counts; timings: boolean }> {
  const alone = [await agesOf([left]), await agesOf([right])].flat();
  await agesOf([right, left]); // makes the program of two faces
  const read = counting();
  const order: string[] = [];
  const told =
    (what: string) =>
    <T>(value: T) => {
      order.push(what);
      return value;
    };
  const calls = [
    agesOf([right, left]).then(told('two faces')),
    agesOf([{ ...left, x1: -1 }]).catch(told('wrong')),
    agesOf([]).then(told('no face')),
    engine.analyze(shaded, { tasks: ['age'], box: left }).then(told('one face')),
  ] as const;
  const [two, , , one] = await Promise.all(calls);
  const { decode, upload, encode, run, total } = one.timings;
  return {
    order,
    equal: JSON.stringify([two, [one.faces[0]?.age?.probabilities]]) === JSON.stringify([alone.toReversed(), [alone[0]]]),
    different: JSON.stringify(alone[0]) !== JSON.stringify(alone[1]),
    counts: read(),
    timings: encode > 0 && encode < 50 && decode + upload + encode + run <= total + 1,
  };
}

/** What a call is given may change or be closed as soon as it is called: whether it answers as if nothing had happened. */
export async function takenAtOnce(): Promise<boolean[]> {
  const expected = await agesOf([left, right]);
  const options = { tasks: ['age'] as const, box: { ...left } };
  const calls = [engine.analyze(shaded, options)];
  Object.assign(options.box, right);
  calls.push(engine.analyze(shaded, options));
  const canvas = new OffscreenCanvas(64, 48);
  const opaque = shaded.data.map((value, i) => (i % 4 === 3 ? 255 : value));
  canvas.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(opaque), 64, 48), 0, 0);
  const frame = new VideoFrame(canvas, { timestamp: 0 });
  calls.push(engine.analyze(frame, { tasks: ['age'], box: right }));
  frame.close();
  const given = (await Promise.all(calls)).map(({ faces }) => JSON.stringify(faces[0]?.age?.probabilities));
  return given.map((one, i) => one === JSON.stringify(expected[Math.min(i, 1)]));
}

/** Every wrong call, by name, and the code that it fails with. */
export async function wrongCalls(): Promise<Record<string, string>> {
  const aborted = AbortSignal.abort('stop');
  const box = (x0: number, y0: number, x1: number, y1: number) => () => engine.analyze(grey, { box: { x0, y0, x1, y1 } });
  const calls: Record<string, () => unknown> = {
    'box inverted': box(10, 10, 5, 20),
    'box of nothing': box(10, 10, 10, 20),
    'box outside': box(100, 100, 120, 120),
    'box of NaN': box(Number.NaN, 0, 10, 10),
    'box and boxes': () => engine.analyze(grey, { box: { x0: 0, y0: 0, x1: 9, y1: 9 }, boxes: [] }),
    'unknown task': () => engine.analyze(grey, { tasks: ['mood' as 'age'] }),
    'task not loaded': () => engine.analyze(grey, { tasks: ['landmarks'] }),
    'no task': () => engine.analyze(grey, { tasks: [] }),
    'no list of tasks': () => engine.analyze(grey, { tasks: null as never }),
    'no list of boxes': () => engine.analyze(grey, { boxes: 5 as never }),
    'no picture': () => engine.analyze(undefined as never),
    'not a picture': () => engine.analyze(new Blob(['hello'])),
    'too few pixels': () => engine.analyze({ ...grey, height: 49 }),
    'aborted before': () => engine.analyze(grey, { signal: aborted }),
    'tuning aborted before': () => engine.tune({ signal: aborted }),
  };
  const codes: Record<string, string> = {};
  for (const [name, call] of Object.entries(calls)) codes[name] = await outcome(call);
  return codes;
}

const loading = (options: Partial<LoadOptions>) => outcome(() => FaceXFormer.load({ weights: seeded(), ...options }));

/** Every load that must fail, by name, and the code that it fails with. */
export async function wrongLoads(): Promise<Record<string, string>> {
  const few = new Map([...tensorsOf('released')].filter(([name]) => name !== 'linear_fuse.weight'));
  const midway = new AbortController();
  const end = new AbortController();
  return {
    'no options': await outcome(() => FaceXFormer.load(undefined as never)),
    'no weights': await loading({ weights: '' }),
    'html for weights': await loading({ weights: new Blob(['<!doctype html><title>404</title>']) }),
    'a missing tensor': await loading({ weights: seededCheckpoint(few) }),
    'unknown task': await loading({ tasks: ['mood' as 'age'] }),
    'a task of the other form': await loading({ tasks: ['expression'] }),
    'no such dtype': await loading({ dtype: 'int8' as 'f16' }),
    'float16 on a GPU without': await loading({ dtype: 'f16' }),
    'aborted before': await loading({ signal: AbortSignal.abort() }),
    'aborted midway': await loading({
      signal: midway.signal,
      onProgress: ({ phase, loaded, total }) => phase === 'weights' && loaded > total / 4 && midway.abort(),
    }),
    'aborted at the last byte': await loading({
      tasks: ['gender'],
      signal: end.signal,
      onProgress: ({ phase, loaded, total }) => phase === 'weights' && loaded === total && end.abort(),
    }),
  };
}

/** A head whose numbers are none. */
export async function noNumbers(): Promise<string> {
  const weights = seeded();
  const poisoned = {
    ...weights,
    async *read(options: object) {
      for await (const { info, data } of weights.read(options)) {
        if (/gender.*\.layers\.0\.bias$/.test(info.name)) data.fill(0xff); // NaN
        yield { info, data };
      }
    },
  };
  const lost = await FaceXFormer.load({ weights: poisoned, tasks: ['gender'] });
  const code = await outcome(() => lost.analyze(grey));
  lost.dispose();
  return code;
}

/** Heat maps of the paper's form, asked for by themselves and as taps; the points are read from them. */
export async function heatmaps(): Promise<{
  refused: string;
  shape: readonly number[];
  equal: boolean;
  positive: boolean;
  keys: string[];
  overtaken: string;
}> {
  const refused = await outcome(() => engine.analyze(grey, { heatmaps: true }));
  const paper = await FaceXFormer.load({ weights: seededCheckpoint(tensorsOf('paper')), tasks: ['landmarks'] });
  const [face] = (await paper.analyze(grey, { heatmaps: true })).faces;
  const [tapped] = (await paper.analyze(grey, { taps: true })).faces;
  const [maps, taps] = [face?.heatmaps?.data ?? new Float32Array(), tapped?.raw?.['tap.landmarks.stack3.heatmaps']?.data];
  const overtaken = outcome(() => paper.analyze(grey, { raw: true })); // a program of its own, which is not made in time
  setTimeout(() => paper.dispose(), 2);
  return {
    refused,
    shape: face?.heatmaps?.shape ?? [],
    equal: maps.length > 0 && maps.every((value, i) => value === taps?.[i]),
    positive: maps.every((value) => value >= 0) && maps.some((value) => value > 0),
    keys: Object.keys(face ?? {}).sort(),
    overtaken: await overtaken,
  };
}

/** Aborts one of two calls while their frames run, and disposes while two others do. */
export async function stoppedCalls(): Promise<Record<string, string>> {
  const abort = new AbortController();
  const running = outcome(() => engine.analyze(grey, { signal: abort.signal }));
  const beside = outcome(() => engine.analyze(grey));
  setTimeout(() => abort.abort(), 100);
  const codes: Record<string, string> = { 'aborted while running': await running, 'beside it': await beside };
  const calls = Array.from({ length: 5 }, () => outcome(() => engine.analyze(grey)));
  setTimeout(() => engine.dispose(), 100);
  const [first = '', second = '', , , last = ''] = await Promise.all(calls);
  Object.assign(codes, { 'disposed while running': first, 'disposed while next': second, 'disposed while waiting': last });
  engine.dispose();
  codes['after dispose'] = await outcome(() => engine.analyze(grey));
  return codes;
}

/** An engine on the application's own device, which is destroyed under it. */
export async function lostDevice(): Promise<Record<string, string>> {
  const adapter = await navigator.gpu.requestAdapter();
  const requiredFeatures = (['subgroups'] as const).filter((feature) => adapter?.features.has(feature)); // SwiftShader's kernels compile soon
  const device = (await adapter?.requestDevice({ requiredFeatures })) as GPUDevice;
  const shared = await FaceXFormer.load({ weights: seeded(), tasks: ['gender'], device });
  const running = outcome(() => shared.analyze(grey));
  const next = outcome(() => shared.analyze(grey));
  setTimeout(() => device.destroy(), 100);
  return {
    'lost while running': await running,
    'lost while next': await next,
    'lost before': await outcome(() => shared.analyze(grey)),
    'lost before a load': await loading({ device }),
  };
}
