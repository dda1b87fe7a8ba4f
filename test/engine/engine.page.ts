/** What a page does with an engine, right and wrong; each function tells what came of it. */
import {
  type AnyBox,
  type Box,
  type DetectedFace,
  type FaceDetector,
  FaceXFormer,
  type LoadOptions,
  type PictureSource,
  type Progress,
  seededCheckpoint,
  tensorsOf,
} from '../../src/index.ts';
import { codeOf } from '../errors.ts';
import { type Counts, counting } from './count.ts';

let engine: FaceXFormer;

const grey = { data: new Uint8Array(64 * 48 * 4).fill(128), width: 64, height: 48 };

/** The smallest encoder: what is held here is the engine, and a frame of Swin-B takes a software adapter five times as long. */
const SMALL = { backbone: 'mobilenet_v3_large' } as const;
const seeded = () => seededCheckpoint(tensorsOf('released', SMALL));

/** What comes of work, in words that JSON takes. */
const outcome = async (work: () => unknown): Promise<string> => String(await codeOf(work));

/** What the detector finds in the next pictures, one list a picture; the last one goes on. */
let finds: DetectedFace[][] = [];
const detector: FaceDetector = { detect: async () => (finds.length > 1 ? finds.shift() : finds[0]) ?? [] };

/** Loads what later calls use; tells the phases in the order they were reported, and what was told besides. */
export async function load() {
  const told: Progress[] = [];
  engine = await FaceXFormer.load({ weights: seeded(), tasks: ['age', 'gender'], detector, onProgress: (progress) => told.push(progress) });
  const pipelines = told.filter(({ phase }) => phase === 'pipelines');
  return {
    phases: [...new Set(told.map(({ phase }) => phase))],
    counted: pipelines.every(({ loaded, total }, i) => loaded === i && total === pipelines.length - 1 && total > 10),
    rises: told.every(({ fraction }, i) => fraction >= (told[i - 1]?.fraction ?? 0) && fraction < 1 === i < told.length - 1),
  };
}

export const facts = () => ({ tasks: engine.tasks, ...engine.info, fallback: engine.info.fallback ?? 'none' });

/** One frame whose whole result is small enough to compare. */
export async function ages(count: number): Promise<number[][]> {
  const runs = Array.from({ length: count }, () => engine.analyze(grey, { box: 'whole' }));
  return (await Promise.all(runs)).map(({ faces }) => Object.values(faces[0]?.age?.probabilities ?? {}));
}

export async function keys(): Promise<string[]> {
  const { faces } = await engine.analyze(grey, { box: 'whole', tasks: ['gender'] });
  return Object.keys(faces[0] ?? {}).sort();
}

const shaded = { data: Uint8Array.from({ length: 64 * 48 * 4 }, (_, i) => (i * i) >> 8), width: 64, height: 48 };
const left: Box = { x0: 0, y0: 0, x1: 32, y1: 48 };
const right: Box = { x0: 32, y0: 0, x1: 64, y1: 48 };
const agesOf = async (boxes: Box[]) => (await engine.analyze(shaded, { tasks: ['age'], boxes })).faces.map(({ age }) => age?.probabilities);

const foundAt = (x0: number, y0: number, x1: number, y1: number): DetectedFace => ({
  box: { x0, y0, x1, y1 },
  score: 0.9,
  points: Array.from({ length: 5 }, () => ({ x: x0, y: y0 })),
});

export async function detected() {
  const two = [foundAt(10, 8, 30, 32), foundAt(-30, 3, -2, 20), foundAt(40, 8, 60, 20)];
  const tasks = ['age'] as const;
  finds = [two];
  const { faces } = await engine.analyze(grey, { tasks });
  const [square] = (await engine.analyze(grey, { tasks, crop: 'square' })).faces;
  const most = (await engine.analyze(grey, { tasks, maxFaces: 1 })).faces.length;
  const [given] = (await engine.analyze(grey, { tasks, box: left })).faces;
  const [whole] = (await engine.analyze(grey, { tasks, box: 'whole' })).faces;
  finds = [[]];
  const none = (await engine.analyze(grey, { tasks })).faces;
  const [face] = faces;
  return {
    official: face?.box,
    square: square?.box,
    source: face?.source,
    score: face?.score,
    detected: face?.detected,
    points: face?.points?.length,
    most,
    none,
    given: given?.source,
    whole: { source: whole?.source, box: whole?.box },
  };
}

/** Whether each form of a box gives the answer of its corners. */
export async function boxForms(): Promise<boolean[]> {
  const ageIn = async (box: AnyBox) => (await engine.analyze(shaded, { tasks: ['age'], box })).faces[0]?.age.years;
  const corners = await ageIn(right);
  const same: boolean[] = [];
  for (const box of [{ x: 32, y: 0, width: 32, height: 48 }, new DOMRect(32, 0, 32, 48), { ...right }])
    same.push((await ageIn(box)) === corners);
  return same;
}

/** Pictures of two faces, none, one, and two. */
export async function many() {
  const [a, b] = [foundAt(4, 4, 24, 28), foundAt(36, 6, 60, 40)];
  const lists = [[a, b], [], [b], [b, a]];
  const tasks = ['age'] as const;
  const years = ({ faces }: { faces: readonly { age?: { years: number } }[] }) => faces.map(({ age }) => age?.years);
  finds = lists.map((list) => [...list]);
  const alone: (number | undefined)[][] = [];
  for (const _ of lists) alone.push(years(await engine.analyze(shaded, { tasks })));
  finds = lists.map((list) => [...list]);
  const together: (number | undefined)[][] = [];
  for await (const analysis of engine.analyzeMany([shaded, shaded, shaded, shaded], { tasks })) together.push(years(analysis));
  return { faces: together.map(({ length }) => length), equal: JSON.stringify(together) === JSON.stringify(alone) };
}

/** The expected age in a colour: of a WebGL canvas that was painted in this task, of two calls in one task, one of them of many pictures, and of raw pixels. */
export async function canvases() {
  const of = async (source: PictureSource) => (await engine.analyze(source, { tasks: ['age'], box: 'whole' })).faces[0]?.age.years;
  const flat = (colour: readonly number[]) => ({
    data: Uint8Array.from({ length: 4 * 64 * 64 }, (_, i) => colour[i % 4] as number),
    width: 64,
    height: 64,
  });
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 64, height: 64 });
  document.body.append(canvas);
  const gl = canvas.getContext('webgl'); // which forgets its pixels after each task
  const painted = () => {
    gl?.clearColor(200 / 255, 30 / 255, 40 / 255, 1);
    gl?.clear(gl.COLOR_BUFFER_BIT);
    return canvas;
  };
  const drawn = new OffscreenCanvas(64, 64);
  const ctx = drawn.getContext('2d') as OffscreenCanvasRenderingContext2D;
  ctx.fillStyle = 'rgb(200 30 40)';
  ctx.fillRect(0, 0, 64, 64);
  const ofMany = async (pictures: Iterable<PictureSource>) => {
    for await (const { faces } of engine.analyzeMany(pictures, { tasks: ['age'], box: 'whole' })) return faces[0]?.age.years;
    return undefined;
  };
  const calls = [of(painted()), ofMany([painted()]), of(drawn)];
  ctx.clearRect(0, 0, 64, 64);
  return { canvases: await Promise.all(calls), raw: await of(flat([200, 30, 40, 255])), black: await of(flat([0, 0, 0, 255])) };
}

/** Calls of one face, two faces, and none that is right, all at once: the order of their answers, which must be those of calls alone. */
export async function overlapping(): Promise<{ order: string[]; equal: boolean; different: boolean; counts: Counts; timings: boolean }> {
  const alone = [await agesOf([left]), await agesOf([right])].flat();
  await agesOf([right, left]); // makes the program of two faces, and room for two crops
  await agesOf([left]); // binds it to the program of one
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
    'unknown option': () => engine.analyze(grey, { boxs: [] } as never),
    'box of a word': () => engine.analyze(grey, { box: 'half' as 'whole' }),
    'no way to crop': () => engine.analyze(grey, { crop: 'round' as 'square' }),
    'no number of faces': () => engine.analyze(grey, { maxFaces: 0.5 }),
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
  const few = new Map([...tensorsOf('released', SMALL)].filter(([name]) => name !== 'linear_fuse.weight'));
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

/** What loading a head says whose numbers are none. */
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
  return await outcome(() => FaceXFormer.load({ weights: poisoned, tasks: ['gender'] }));
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
  const refused = await outcome(() => engine.analyze(grey, { box: 'whole', heatmaps: true }));
  const paper = await FaceXFormer.load({
    weights: seededCheckpoint(tensorsOf('paper', { ...SMALL, hourglass: { stacks: 1, levels: 1 } })),
    tasks: ['landmarks'],
  });
  const [face] = (await paper.analyze(grey, { box: 'whole', heatmaps: true })).faces;
  const [tapped] = (await paper.analyze(grey, { box: 'whole', taps: true })).faces;
  const [maps, taps] = [face?.heatmaps?.data ?? new Float32Array(), tapped?.raw?.['tap.landmarks.stack0.heatmaps']?.data];
  const overtaken = outcome(() => paper.analyze(grey, { box: 'whole', raw: true })); // a program of its own, which is not made in time
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
  const running = outcome(() => engine.analyze(grey, { box: 'whole', signal: abort.signal }));
  const beside = outcome(() => engine.analyze(grey, { box: 'whole' }));
  setTimeout(() => abort.abort(), 100);
  const codes: Record<string, string> = { 'aborted while running': await running, 'beside it': await beside };
  const calls = Array.from({ length: 5 }, () => outcome(() => engine.analyze(grey, { box: 'whole' })));
  setTimeout(() => engine.dispose(), 100);
  const [first = '', second = '', , , last = ''] = await Promise.all(calls);
  Object.assign(codes, { 'disposed while running': first, 'disposed while next': second, 'disposed while waiting': last });
  engine.dispose();
  codes['after dispose'] = await outcome(() => engine.analyze(grey, { box: 'whole' }));
  return codes;
}

/** An engine on the application's own device, which is destroyed under it. */
export async function lostDevice(): Promise<Record<string, string>> {
  const adapter = await navigator.gpu.requestAdapter();
  const requiredFeatures = (['subgroups'] as const).filter((feature) => adapter?.features.has(feature)); // SwiftShader's kernels compile soon
  const device = (await adapter?.requestDevice({ requiredFeatures })) as GPUDevice;
  const shared = await FaceXFormer.load({ weights: seeded(), tasks: ['gender'], device });
  const running = outcome(() => shared.analyze(grey, { box: 'whole' }));
  const next = outcome(() => shared.analyze(grey, { box: 'whole' }));
  setTimeout(() => device.destroy(), 100);
  return {
    'lost while running': await running,
    'lost while next': await next,
    'lost before': await outcome(() => shared.analyze(grey, { box: 'whole' })),
    'lost before a load': await loading({ device }),
  };
}
