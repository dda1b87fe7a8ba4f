/** A program of two small kernels, run as the engine runs the network's: pictures in, frames in flight, and what becomes of them. */
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Graph, resource, SIZES } from '../../src/graph/graph.ts';
import { loadProgram } from '../../src/graph/load.ts';
import { Parameters } from '../../src/graph/parameters.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { type Frame, Program, type Resources } from '../../src/graph/program.ts';
import { wholePicture } from '../../src/image/crop.ts';
import { Preprocess } from '../../src/image/preprocess.ts';
import { openPicture } from '../../src/image/source.ts';
import { defineKernel, tiles } from '../../src/kernels/kernel.ts';
import { resize } from '../../src/kernels/resize.ts';
import { type Counts, counting } from './count.ts';

const SIDE = 8;
/** Long enough on a CPU that frames pile up behind one another. */
const ROUNDS = 2_000_000;

/** Something that takes its time and whose outcome depends on every bit of x. */
const stir = defineKernel(
  'stir',
  `@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
override ROUNDS: u32;
@compute @workgroup_size(64)
fn stir(@builtin(global_invocation_id) id: vec3u) {
  var value = x[id.x];
  for (var i = 0u; i < ROUNDS; i++) { value = value * 1664525u + 1013904223u; }
  y[id.x] = value;
}`,
  ({ rounds }: { rounds: number }) => ({ constants: { ROUNDS: rounds }, workgroups: [1, 1, 1], macs: 0 }),
);

const stirred = (value: number): number => {
  let stirring = value;
  for (let i = 0; i < ROUNDS; i++) stirring = (Math.imul(stirring, 1664525) + 1013904223) | 0;
  return stirring >>> 0;
};

interface Made {
  device: GPUDevice;
  preprocess: Preprocess;
  program: Program;
}

async function make(resources?: (preprocess: Preprocess) => Resources): Promise<Made> {
  const device = (await (await navigator.gpu.requestAdapter())?.requestDevice()) as GPUDevice;
  const graph = new Graph();
  const resized = graph.add('resized', resize, { size: SIDE }, { picture: resource('picture'), table: resource('table') }, [SIDE * SIDE]);
  graph.output('stirred', graph.add('stirred', stir, { rounds: ROUNDS }, { x: resized }, [SIDE * SIDE]));
  const preprocess = new Preprocess(device);
  const plan = makePlan(graph, ['stirred']);
  const program = await Program.create(
    new Pipelines(device),
    plan,
    new Parameters(device),
    resources?.(preprocess) ?? preprocess.resources,
  );
  return { device, preprocess, program };
}

/** A frame of a picture of one colour; a table for the kernel's side is not the network's, so it is written here. */
async function submit({ device, preprocess, program }: Made, red: number): Promise<Frame> {
  const data = new Uint8Array(SIDE * SIDE * 4).fill(red);
  const picture = await openPicture({ data, width: SIDE, height: SIDE });
  await preprocess.upload(picture, [wholePicture(picture)]);
  // The identity: one tap of weight 2^22 an axis, in the place of the table for 224 pixels that upload wrote.
  const axis = [...Array.from({ length: SIDE }, (_, i) => i), ...Array(SIDE).fill(2 ** 22)];
  device.queue.writeBuffer(preprocess.table, 0, Int32Array.from([8, 0, 0, 0, 0, 0, 0, 0, 1, 1, ...axis, ...axis]));
  picture.close();
  return program.run();
}

const expected = (red: number): number => stirred((red * 0x010101 + 0xff000000) >>> 0);

/** A frame's one value, or the code that it failed with. */
async function outcome(frame: Promise<Frame>): Promise<number | string> {
  try {
    const values = new Uint32Array((await (await frame).results).get('stirred') as ArrayBuffer);
    if (values.length !== SIDE * SIDE || values.some((value) => value !== values[0])) return 'not one value';
    return values[0] as number;
  } catch (error) {
    return error instanceof FaceXFormerError ? error.code : `${error}`;
  }
}

const reds = (count: number) => Array.from({ length: count }, (_, i) => 17 + 23 * i);

/** As many frames as asked for, each submitted as soon as it may be; the order in which they were answered. */
async function overlapping(made: Made, count: number): Promise<{ outcomes: Promise<number | string>[]; order: number[] }> {
  const order: number[] = [];
  const outcomes: Promise<number | string>[] = [];
  for (const [i, red] of reds(count).entries()) {
    const frame = await submit(made, red);
    const told = outcome(Promise.resolve(frame));
    outcomes.push(told);
    void told.then(() => order.push(i));
  }
  return { outcomes, order };
}

export async function inOrder(count: number): Promise<{ right: boolean; order: number[]; serial: boolean }> {
  const made = await make();
  const { outcomes, order } = await overlapping(made, count);
  const values = await Promise.all(outcomes);
  const serial: (number | string)[] = [];
  for (const red of reds(count)) serial.push(await outcome(submit(made, red)));
  made.device.destroy();
  return { right: values.every((value, i) => value === expected(reds(count)[i] as number)), order, serial: `${serial}` === `${values}` };
}

/** What a number of frames ask of WebGPU, once a few have gone before. */
export async function steady(count: number): Promise<Counts> {
  const made = await make();
  await Promise.all((await overlapping(made, 4)).outcomes);
  const read = counting();
  await Promise.all((await overlapping(made, count)).outcomes);
  const counts = read();
  made.device.destroy();
  return counts;
}

/** Four frames are asked for, which is one more than may be in flight, and then it happens. */
async function meanwhile(what: (made: Made) => void): Promise<(number | string)[]> {
  const made = await make();
  const { outcomes } = await overlapping(made, 3);
  const fourth = outcome(submit(made, 200));
  await new Promise((soon) => setTimeout(soon, 1)); // the fourth waits for a buffer by now
  what(made);
  return Promise.all([...outcomes, fourth]);
}

export const destroyed = () => meanwhile(({ program }) => program.destroy());
export const lost = () => meanwhile(({ device }) => device.destroy());

/** A program that the cache lets go of still answers, and then frees its buffers. */
export async function retired(): Promise<{ right: boolean; after: number | string }> {
  let made: Made | undefined;
  const values = await meanwhile((running) => {
    made = running;
    running.program.retire();
  });
  const after = await outcome((made as Made).program.run());
  return { right: values.every((value, i) => value === expected([...reds(3), 200][i] as number)), after };
}

/** The second of three frames is bound to a buffer that is gone. */
export async function refused(): Promise<{ outcomes: (number | string)[]; right: boolean; uncaptured: string[] }> {
  const resources = new Map<string, GPUTexture | GPUBuffer>();
  const made = await make((preprocess) => {
    for (const [name, own] of preprocess.resources) resources.set(name, own);
    return resources;
  });
  const table = resources.get('table') as GPUBuffer;
  const uncaptured: string[] = [];
  made.device.onuncapturederror = ({ error }) => uncaptured.push(error.message);
  const first = outcome(submit(made, 1));
  await first;
  const running = outcome(Promise.resolve(await submit(made, 2)));
  const gone = made.device.createBuffer({ size: 1024, usage: GPUBufferUsage.STORAGE });
  resources.set('table', gone);
  gone.destroy();
  const second = outcome(Promise.resolve(await submit(made, 3)));
  resources.set('table', table);
  const third = outcome(Promise.resolve(await submit(made, 4)));
  const outcomes = await Promise.all([first, running, second, third]);
  made.device.destroy();
  const right = [1, 2, 3, 4].every((red, i) => i === 2 || outcomes[i] === expected(red));
  return { outcomes: outcomes.map((value) => (typeof value === 'string' ? value : 'a value')), right, uncaptured };
}

/** y[i] = w[0] * x[i] of as many x as a run says; beyond them y stays what it was. */
const scaled = defineKernel(
  'scaled',
  `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> sizes: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(4)
fn scaled(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < sizes[0]) { y[id.x] = w[0] * x[id.x]; }
}`,
  ({ most }: { most: number }) => ({
    constants: {},
    workgroups: [tiles(most, 4), 1, 1],
    workgroupsOf: ([count = most]) => [tiles(count, 4), 1, 1],
    macs: most,
  }),
);

/** Two networks on one device, each with weights of its own and the same kernel, run by turns with other sizes. */
export async function besideEachOther(): Promise<{ given: number[][]; counts: Counts; parameters: number[] }> {
  const device = (await (await navigator.gpu.requestAdapter())?.requestDevice()) as GPUDevice;
  const pipelines = new Pipelines(device);
  const most = 10;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const x = device.createBuffer({ size: 4 * most, usage });
  device.queue.writeBuffer(
    x,
    0,
    Float32Array.from({ length: most }, (_, i) => i + 1),
  );
  const programOf = (factor: number) => {
    const graph = new Graph();
    const w = graph.parameter('w', ['w'], 1, 'f32', (into, [own]) => into.set(own));
    graph.output('y', graph.add('y', scaled, { most }, { x: resource('x'), w, sizes: SIZES }, [most]));
    const info = { name: 'w', dtype: 'F32', shape: [1], bytes: 4 } as const;
    async function* read() {
      yield { info, data: new Uint8Array(Float32Array.of(factor).buffer) };
    }
    const weights = { source: 'a test', tensors: new Map([['w', info]]), rereadable: true, read };
    const sizes = device.createBuffer({ size: 4, usage });
    const resources = new Map([
      ['x', x],
      ['sizes', sizes],
    ]);
    return loadProgram(graph, { pipelines, weights, resources });
  };
  const [twice, thrice] = await Promise.all([programOf(2), programOf(3)]);
  const read = counting();
  const frames = [await twice.run([3]), await thrice.run([10]), await twice.run([5])];
  const given = await Promise.all(frames.map(async ({ results }) => [...new Float32Array((await results).get('y') as ArrayBuffer)]));
  const counts = read();
  const parameters = [twice, thrice].map((program) => program.parameters.bytes);
  device.destroy();
  return { given, counts, parameters };
}
