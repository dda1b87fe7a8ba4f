/**
 * Every call of an engine's life that a browser can refuse or leave unanswered, made to do so, one at a time: a typed error or the right result, in
 * bounded time and at once on an abort, and the engine is usable or disposed of. A GPU of JavaScript (test/gpu/fake.ts).
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { WAITS } from '../../src/gpu/recovery.ts';
import { PATIENCE } from '../../src/gpu/waiting.ts';
import type { AnalyzeOptions, FaceXFormer, LentDevice, LoadOptions } from '../../src/index.ts';
import { type Fault, Faults, fakeGpu, hastyParameters } from '../gpu/fake.ts';
import { indexedDbOf } from '../tune/indexed-db.ts';
import { load, numbersOf, picture, weights } from './reduced.ts';

// Of no interest here, and half of a life's time.
vi.mock(import('../../src/checkpoint/float16.ts'), async (original) => ({ ...(await original()), mustBeFinite: () => {} }));

const was = { ...PATIENCE };
const waits = [...WAITS];
const unhandled: unknown[] = [];
/** What was said in the console, where nothing is to be said. */
const complaints: unknown[] = [];
const swept: string[] = [];
const note = (reason: unknown) => unhandled.push(reason);
let file: Blob;
let expected: unknown;
let names: readonly string[];

beforeAll(async () => {
  process.on('unhandledRejection', note);
  for (const how of ['error', 'warn'] as const) vi.spyOn(console, how).mockImplementation((said) => complaints.push(said));
  WAITS.splice(0, WAITS.length, 0, 1, 2, 3);
  hastyParameters();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of safetensorsBytes(weights)) pieces.push(Uint8Array.from(piece));
  file = new Blob(pieces);
  const faults = new Faults();
  ({ result: expected } = await life(faults));
  names = faults.reached;
});
afterAll(() => {
  process.off('unhandledRejection', note);
  vi.restoreAllMocks();
  WAITS.splice(0, WAITS.length, ...waits);
  console.log(`${names.length} points: ${swept.join('; ')}`);
  expect(complaints).toEqual([]);
});
afterEach(() => {
  Object.assign(PATIENCE, was);
  vi.unstubAllGlobals();
});

const codeOf = (error: unknown): string =>
  error instanceof FaceXFormerError ? error.code : `untyped: ${(error as Error)?.stack ?? error}`;

/** Loads an engine from an address and runs two frames; then, as who goes on after an error, one more. */
async function life(faults: Faults, { lent, ...options }: Partial<LoadOptions> & AnalyzeOptions & { lent?: boolean } = {}) {
  const gpu = fakeGpu(faults);
  const { signal } = options;
  const device = lent ? gpu.lend() : undefined;
  const errors: string[] = [];
  const results: unknown[] = [];
  let engine: FaceXFormer | undefined;
  const answer = (_: unknown, { signal: stop }: RequestInit = {}) =>
    Promise.race([
      faults.answer(
        'fetch',
        () => new Response(file),
        () => new TypeError('made to fail'),
      ),
      new Promise<never>((__, reject) => stop?.addEventListener('abort', () => reject(stop.reason))),
    ]);
  vi.stubGlobal('fetch', answer);
  vi.stubGlobal('indexedDB', indexedDbOf(faults));
  try {
    engine = await load({
      weights: 'https://example.org/weights.safetensors',
      ...(signal && { signal }),
      ...(device && { device: device as unknown as LentDevice }),
    });
    for (let i = 0; i < 3; i++) {
      try {
        results.push(numbersOf(await engine.analyze(picture, { box: 'whole', ...(signal && !signal.aborted && { signal }) })));
      } catch (error) {
        errors.push(codeOf(error));
        faults.lasting = false; // the app has freed some memory
      }
    }
  } catch (error) {
    errors.push(codeOf(error));
  }
  engine?.dispose();
  if (device) await new Promise((done) => setTimeout(done)); // frames under way end
  const leaked = device ? device.alive.size : gpu.devices.filter(({ isGone }) => !isGone).length;
  const uncaptured = gpu.devices.flatMap((device) => device.uncaptured);
  return { result: results.at(-1), results, errors, loaded: engine !== undefined, leaked, uncaptured };
}

/** Of what can come of a fault, what may not; [] where all is well. */
function faultsOf({ results, errors, loaded, leaked, uncaptured }: Awaited<ReturnType<typeof life>>): string[] {
  const wrong: string[] = [];
  for (const result of results) if (JSON.stringify(result) !== JSON.stringify(expected)) wrong.push(`answers ${JSON.stringify(result)}`);
  for (const code of errors) if (code.startsWith('untyped')) wrong.push(code);
  if (loaded && results.length === 0) wrong.push(`is not usable: ${errors}`);
  if (leaked) wrong.push(`leaves ${leaked} of what it made`);
  return [...wrong, ...uncaptured];
}

/** Those of the points that a browser may leave unanswered; the others are calls that return. */
const ANSWERED = /^(request|popErrorScope|mapAsync|createComputePipelineAsync|fetch|indexedDB|get|complete)/;

/** Those that take memory. */
const ALLOCATIONS = /^(create(Buffer|Texture|ComputePipelineAsync|BindGroup)|write|mapAsync|submit|requestDevice)/;

/** Each sweep takes one point of so many, each from another on; `npm run fuzz` takes every one. */
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 7);

const pointsFrom = (first: number, of = /./) =>
  [...names.keys()].filter((at) => at % EVERY === first % EVERY).filter((at) => of.test(names[at] as string));

/** Lives with a fault at each of the points, and tells what of that is wrong. */
async function sweep(fault: Fault, points: readonly number[], { lent = false, lasting = false } = {}): Promise<string[]> {
  const failed: string[] = [];
  let longest = 0;
  for (const at of points) {
    const begun = performance.now();
    const lived = await life(Object.assign(new Faults(), { at, fault, lasting }), { lent });
    longest = Math.max(longest, performance.now() - begun);
    for (const what of faultsOf(lived)) failed.push(`${fault} at ${at}, ${names[at]}: ${what}`);
  }
  await new Promise((done) => setTimeout(done, 20));
  swept.push(
    `${points.length} ${fault}${lasting ? ' for long' : ''}${lent ? ' (a lent GPU)' : ''} in ${Math.round(longest)} ms each at most`,
  );
  return [...failed, ...unhandled.splice(0).map((reason) => `nobody caught ${reason}`)];
}

describe('a fault at every point', { timeout: 4_200_000 / EVERY }, () => {
  it('that fails is a typed error or no matter, and the engine goes on', async () => {
    expect(await sweep('fails', pointsFrom(0))).toEqual([]);
  });

  it('leaves nothing on a device that was lent', async () => {
    expect(await sweep('fails', pointsFrom(1), { lent: true })).toEqual([]);
  });

  it('that wants for memory, once or until that was told, is a typed error, and nothing is left of it', async () => {
    expect(await sweep('exhausted', pointsFrom(2, ALLOCATIONS))).toEqual([]);
    expect(await sweep('exhausted', pointsFrom(0, ALLOCATIONS), { lasting: true, lent: true })).toEqual([]);
  });

  it.each([
    ['lost', 1],
    ['destroyed', 2],
  ] as const)('that takes the GPU away is recovered from: %s', async (fault, first) => {
    expect(await sweep(fault, pointsFrom(first))).toEqual([]);
  });

  it('that does not answer is given up', async () => {
    Object.assign(PATIENCE, { adapter: 50, device: 50, picture: 5000, gpu: 300 });
    expect(await sweep('hangs', pointsFrom(1, ANSWERED))).toEqual([]);
  });

  it('that does not answer hears an abort at once', async () => {
    PATIENCE.gpu = 300; // for which the call after an abort waits where a GPU has not finished the frame before
    const points = pointsFrom(2, ANSWERED);
    const late: string[] = [];
    let tried = 0;
    for (const at of points) {
      const stop = new AbortController();
      let aborted = 0;
      let met = '';
      const faults = Object.assign(new Faults(), { at, fault: 'hangs' as const });
      const { point } = faults;
      faults.point = (name) => {
        const fault = point.call(faults, name);
        if (!fault) return fault;
        met = name;
        setTimeout(() => {
          aborted = performance.now();
          stop.abort();
        }, 5);
        return fault;
      };
      const lived = await life(faults, { signal: stop.signal });
      if (!ANSWERED.test(met)) continue; // what is compiled first is tried first, so that a point may be another call than it was
      tried++;
      const took = performance.now() - aborted;
      if (took > 5000 || lived.errors.some((code) => code !== 'ABORTED'))
        late.push(`${at}, ${names[at]}: ${lived.errors}, ${Math.round(took)} ms`);
    }
    expect([...late, ...unhandled]).toEqual([]);
    expect(tried).toBeGreaterThan(0.8 * points.length);
    swept.push(`${tried} aborted`);
  });
});

it('a tuning of which any step fails is a typed error or goes on, and leaves nothing', async () => {
  const faults = new Faults();
  const device = fakeGpu(faults).lend();
  const engine = await load({ device: device as unknown as LentDevice });
  for (let after = 0; after < 200; after += 3) {
    Object.assign(faults, { at: faults.reached.length + after, fault: 'fails' });
    const failed = await engine.tune({ budget: 20, force: true }).catch((error: unknown) => error);
    if (failed instanceof Error) expect(codeOf(failed)).toMatch(/^[A-Z_]+$/);
  }
  faults.at = -1;
  expect(numbersOf(await engine.analyze(picture, { box: 'whole' }))).toEqual(expected);
  engine.dispose();
  expect([device.alive.size, device.uncaptured, unhandled.splice(0)]).toEqual([0, [], []]);
});
