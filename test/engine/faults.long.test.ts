/**
 * Every call of an engine's life that a browser can refuse or leave unanswered, made to do so, one at a time: a typed error or the right result, in
 * bounded time and at once on an abort, and the engine is usable or disposed of. A GPU of JavaScript (test/gpu/fake.ts).
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { PATIENCE } from '../../src/gpu/waiting.ts';
import type { AnalyzeOptions, FaceXFormer, LoadOptions } from '../../src/index.ts';
import { type Fault, Faults, fakeGpu, hastyParameters } from '../gpu/fake.ts';
import { load, numbersOf, picture, weights } from './reduced.ts';

const was = { ...PATIENCE };
const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
let file: Blob;
let expected: unknown;
let names: readonly string[];

beforeAll(async () => {
  process.on('unhandledRejection', note);
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
});
afterEach(() => {
  Object.assign(PATIENCE, was);
  vi.unstubAllGlobals();
});

const codeOf = (error: unknown): string =>
  error instanceof FaceXFormerError ? error.code : `untyped: ${(error as Error)?.stack ?? error}`;

/** Loads an engine from an address and runs two frames; then, as who goes on after an error, one more. */
async function life(faults: Faults, options: Partial<LoadOptions> & AnalyzeOptions = {}) {
  const gpu = fakeGpu(faults);
  const { signal } = options;
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
  try {
    engine = await load({ weights: 'https://example.org/weights.safetensors', ...(signal && { signal }) });
    for (let i = 0; i < 3; i++) {
      try {
        results.push(numbersOf(await engine.analyze(picture, { box: 'whole', ...(signal && !signal.aborted && { signal }) })));
      } catch (error) {
        errors.push(codeOf(error));
      }
    }
  } catch (error) {
    errors.push(codeOf(error));
  }
  engine?.dispose();
  const leaked = gpu.devices.filter(({ isGone }) => !isGone).length;
  const uncaptured = gpu.devices.flatMap((device) => device.uncaptured);
  return { result: results.at(-1), results, errors, loaded: engine !== undefined, leaked, uncaptured };
}

/** Of what can come of a fault, what may not; [] where all is well. */
function faultsOf({ results, errors, loaded, leaked, uncaptured }: Awaited<ReturnType<typeof life>>): string[] {
  const wrong: string[] = [];
  for (const result of results) if (JSON.stringify(result) !== JSON.stringify(expected)) wrong.push(`answers ${JSON.stringify(result)}`);
  for (const code of errors) if (code.startsWith('untyped')) wrong.push(code);
  if (loaded && results.length === 0) wrong.push(`is not usable: ${errors}`);
  if (leaked) wrong.push('leaves a device');
  return [...wrong, ...uncaptured];
}

/** Those of the points that a browser may leave unanswered; the others are calls that return. */
const ANSWERED = /^(request|popErrorScope|mapAsync|createComputePipelineAsync|fetch)/;

async function sweep(fault: Fault, points: readonly number[], options: () => Partial<LoadOptions> = () => ({})) {
  const failed: string[] = [];
  let slowest = 0;
  for (const at of points) {
    const begun = performance.now();
    const lived = await life(Object.assign(new Faults(), { at, fault }), options());
    slowest = Math.max(slowest, performance.now() - begun);
    for (const what of faultsOf(lived)) failed.push(`${fault} at ${at}, ${names[at]}: ${what}`);
  }
  await new Promise((done) => setTimeout(done, 20));
  return { failed, slowest };
}

/** Each sweep takes one point of so many, each from another on; `npm run fuzz` takes every one. */
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 3);

const pointsFrom = (first: number) => [...names.keys()].filter((at) => at % EVERY === first % EVERY);

describe('a fault at every point', () => {
  it('that fails is a typed error or no matter, and the engine goes on', { timeout: 600_000 }, async () => {
    const { failed } = await sweep('fails', pointsFrom(0));
    expect(failed).toEqual([]);
    expect(unhandled).toEqual([]);
  });

  it('that does not answer is given up', { timeout: 600_000 }, async () => {
    Object.assign(PATIENCE, { adapter: 50, device: 50, picture: 5000, gpu: 300 });
    const { failed } = await sweep(
      'hangs',
      pointsFrom(1).filter((at) => ANSWERED.test(names[at] as string)),
    );
    expect(failed).toEqual([]);
    expect(unhandled).toEqual([]);
  });

  it('that does not answer hears an abort at once', { timeout: 600_000 }, async () => {
    PATIENCE.gpu = 300; // for which the call after an abort waits where a GPU has not finished the frame before
    const points = pointsFrom(2).filter((at) => ANSWERED.test(names[at] as string));
    const late: string[] = [];
    for (const at of points) {
      const stop = new AbortController();
      let aborted = 0;
      const faults = Object.assign(new Faults(), { at, fault: 'hangs' as const });
      const { point } = faults;
      faults.point = (name) => {
        const fault = point.call(faults, name);
        if (fault)
          setTimeout(() => {
            aborted = performance.now();
            stop.abort();
          }, 5);
        return fault;
      };
      const lived = await life(faults, { signal: stop.signal });
      const took = performance.now() - aborted;
      if (took > 5000 || lived.errors.some((code) => code !== 'ABORTED'))
        late.push(`${at}, ${names[at]}: ${lived.errors}, ${Math.round(took)} ms`);
    }
    expect(late).toEqual([]);
    expect(unhandled).toEqual([]);
  });
});
