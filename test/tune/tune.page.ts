/** A graph of three small products, tuned on this page's GPU; and the store of choices, with what may be wrong with it. */

import { FaceXFormer } from '../../src/engine/facexformer.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Graph } from '../../src/graph/graph.ts';
import { Parameters } from '../../src/graph/parameters.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { forgetChoices, keptChoices, tuneKey } from '../../src/tune/kept.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { readTuned, writeTuned } from '../../src/tune/store.ts';
import { Trials } from '../../src/tune/trials.ts';
import { type Choices, choicesOf, chooserOf, type TunedShape, tunablesOf, tuneShapes } from '../../src/tune/tune.ts';
import { VERSION } from '../../src/version.ts';

const noise = (seed: number) => (into: Float32Array) => {
  for (let i = 0; i < into.length; i++) into[i] = Math.sin(seed + 12.9898 * i);
};

/** A product to a stream, a normed product with GELU, and a product with a residual. */
function smallGraph(): Graph {
  const graph = new Graph();
  const constant = (name: string, length: number) => graph.parameter(name, [], length, 'f32', noise(name.length));
  const [bias, x] = [constant('bias', 64), constant('the first x', 49 * 64)];
  const first = { rows: 49, inner: 64, cols: 64, stream: true };
  const stream = graph.add('first', matmul, first, { x, w: constant('w of first', 64 * 64), b: bias, r: bias }, [49, 68]);
  const second = { rows: 49, inner: 64, cols: 64, stride: 68, norm: { eps: 1e-5 }, activation: 'gelu' } as const;
  const hidden = graph.add('second', matmul, second, { x: stream, w: constant('w of second', 64 * 64), b: bias, r: bias }, [49, 64]);
  const third = { rows: 49, inner: 64, cols: 64, residualRows: 49 };
  graph.output('y', graph.add('third', matmul, third, { x: hidden, w: constant('w of third!', 64 * 64), b: bias, r: x }, [49, 64]));
  return graph;
}

async function run(pipelines: Pipelines, parameters: Parameters, choices: Choices): Promise<Float32Array> {
  const plan = makePlan(smallGraph(), ['y'], [], chooserOf(choices));
  const program = await Program.create(pipelines, plan, parameters, new Map());
  const results = await (await program.run()).results;
  program.destroy();
  return new Float32Array(results.get('y') as ArrayBuffer);
}

interface Tuned {
  shapes: TunedShape[];
  /** Of the graph's output against the table's: with what was chosen and with the last candidate of every shape. */
  errors: number[];
  again: TunedShape[];
  /** A candidate that leaves out the bias, as if the compiler had: its error, which its trial is to find. */
  wrong: number;
  bound: number;
}

/** @param clock `timestamps`, or `submits` where the device has none */
export async function tuneSmall(clock: 'timestamps' | 'submits'): Promise<Tuned> {
  const adapter = (await navigator.gpu.requestAdapter()) as GPUAdapter;
  const device = await adapter.requestDevice({
    requiredFeatures: ['subgroups', ...(clock === 'timestamps' ? ['timestamp-query' as const] : [])],
  });
  const parameters = new Parameters(device);
  const plan = makePlan(smallGraph(), ['y']);
  await parameters.load(plan.parameters, seededCheckpoint(new Map()));
  const tunables = tunablesOf(plan);
  const trials = await Trials.on(parameters);
  const open = trials.open.bind(trials);
  const shapes = await tuneShapes(tunables, { open, budget: 60_000 });
  const again = await tuneShapes(tunables, { open, budget: 60_000, known: choicesOf(shapes) });
  const [tunable] = tunables as [(typeof tunables)[number]];
  const trial = await open(tunable);
  const [table] = tunable.candidates as [(typeof tunable.candidates)[number]];
  const wgsl = table.kernel.wgsl.replace('sum + b[column]', 'sum + 0.999 * b[column]');
  // Pipelines are told apart by name and constants: one that this shape does not use makes it another.
  const launch = { ...table.launch, constants: { ...table.launch.constants, EPS: 1 } };
  const wrong = await trial.error({ name: 'wrong', kernel: { ...table.kernel, wgsl }, launch });
  trial.close();
  trials.destroy();
  const pipelines = new Pipelines(device);
  const expected = await run(pipelines, parameters, {});
  const all = (i: number) => Object.fromEntries(tunables.map(({ label, candidates }) => [label, candidates.at(i)?.name as string]));
  const errors = [];
  for (const choices of [choicesOf(shapes), all(-1)]) errors.push(nmse(await run(pipelines, parameters, choices), expected));
  device.destroy();
  return { shapes, errors, again, wrong, bound: trial.bound };
}

/** What `keptChoices` makes of what is kept. */
export async function remembering(): Promise<Record<string, Choices | undefined>> {
  const adapter = { vendor: 'a', architecture: 'b', description: 'c', software: true };
  const key = tuneKey(adapter, 'f32');
  const found = () => keptChoices(adapter, 'f32');
  const empty = await found();
  const major = /Chrome\/\d+/.exec(navigator.userAgent)?.[0].replace('/', ' ');
  const kept = { browser: major, engine: VERSION, choices: { a: 'matmul' } };
  const written = await writeTuned(key, kept);
  const whole = await found();
  const other = await keptChoices(adapter, 'f16');
  await writeTuned(key, { ...kept, engine: '0.0.0' });
  const stale = await found();
  await writeTuned(key, { ...kept, choices: 'damaged' });
  const damaged = await found();
  await writeTuned(key, kept);
  const overwritten = await found();
  await forgetChoices(adapter, 'f32');
  const forgotten = await readTuned(key);
  return { empty, written: { written: `${written}` }, whole, other, stale, damaged, overwritten, forgotten: forgotten as undefined };
}

/** A page whose storage is blocked: opening it fails, or it never answers. */
export async function blocked(): Promise<{ failing: boolean; silent: boolean; waited: boolean }> {
  const withOpen = async (open: () => unknown) => {
    Object.defineProperty(globalThis, 'indexedDB', { value: { open }, configurable: true });
    return writeTuned('key', {});
  };
  const failing = await withOpen(() => {
    throw new DOMException('blocked', 'SecurityError');
  });
  const start = performance.now();
  const silent = await withOpen(() => ({}));
  return { failing, silent, waited: performance.now() - start < 2000 };
}

/** The engine on SwiftShader, whose kernels have no candidates. */
export async function tuneSoftware(): Promise<{ shapes: number; adopted: number; remembered: boolean; codes: string[] }> {
  const engine = await FaceXFormer.load({ weights: seededCheckpoint(tensorsOf('released')), tasks: ['age'] });
  const report = await engine.tune();
  const code = (promise: Promise<unknown>) => promise.then(String, (error) => error.code as string);
  const codes = [await code(engine.tune({ budget: Number.NaN })), await code(engine.tune({ budget: 0 }))];
  engine.dispose();
  codes.push(await code(engine.tune()));
  return { shapes: report.shapes.length, adopted: report.adopted, remembered: report.remembered, codes };
}
