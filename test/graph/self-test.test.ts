/** That the self-test finds one wrong number where it looks, and only that. A GPU of JavaScript, which computes a kernel of two lines. */
import { beforeEach, expect, it, vi } from 'vitest';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Graph } from '../../src/graph/graph.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { LOOKED_AT, selfTest } from '../../src/graph/self-test.ts';
import { defineKernel } from '../../src/kernels/kernel.ts';
import { codeOf } from '../errors.ts';
import { type FakeDevice, fakeGpu } from '../gpu/fake.ts';

const wgsl = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;`;
/** y = 2 x + b */
const doubled = defineKernel(
  'doubled',
  wgsl,
  ({ length }: { length: number }) => ({ constants: { LENGTH: length }, workgroups: [1, 1, 1], macs: length }),
  (_, { x, b }) =>
    (i) =>
      2 * x(i) + b(i),
);

/** Two dispatches of one pipeline, of what nodes make and of weights and constants, and one of another that makes few numbers. */
function plan() {
  const graph = new Graph();
  const weights = graph.parameter('w', ['w'], 70_000, 'f32', () => {});
  const ones = graph.parameter('ones', [], 70_000, 'f32', (into) => void into.fill(1));
  const first = graph.add('first', doubled, { length: 70_000 }, { x: weights, b: ones }, [70_000]);
  const second = graph.add('second', doubled, { length: 70_000 }, { x: first, b: ones }, [70_000]);
  graph.output('y', graph.add('third', doubled, { length: 62 }, { x: second, b: second }, [62]));
  return makePlan(graph, ['y']);
}

let device: FakeDevice;
beforeEach(() => {
  LOOKED_AT.splice(0, LOOKED_AT.length, 0, 17, 63);
  device = fakeGpu().lend();
  return () => {
    LOOKED_AT.length = 0;
    vi.unstubAllGlobals();
  };
});

/** What the self-test says of a GPU that computes rightly and then does something else to y, if that has so many numbers. */
async function said(of: number, spoil: (y: Float32Array) => void): Promise<string | undefined> {
  device.dispatch = (_, entries) => {
    const [x, b, y] = entries.map(({ resource }) => {
      const { buffer, offset = 0, size } = resource as GPUBufferBinding & { buffer: { data: Uint8Array } };
      return new Float32Array(buffer.data.buffer as ArrayBuffer, offset, (size as number) / 4);
    }) as [Float32Array, Float32Array, Float32Array];
    for (let i = 0; i < y.length; i++) y[i] = 2 * (x[i] as number) + (b[i] as number);
    if (y.length === of) spoil(y);
  };
  return selfTest(new Pipelines(device as never), plan());
}

it('believes what is right, and what rounding makes of it', async () => {
  expect(await said(0, () => {})).toBeUndefined();
  expect(await said(70_000, (y) => y.set(y.map((one) => one + 2e-4)))).toBeUndefined();
  expect(device.alive.size).toBe(0);
});

it.each<[string, number, (y: Float32Array) => void, RegExp]>([
  ['the first', 70_000, (y) => y.fill(9, 0, 1), /doubled gave 9 where [\d.]+ is right, as number 0 of first/],
  ['the last', 70_000, (y) => y.fill(9, 69_999), /gave 9 where [\d.]+ is right, as number 69999 of first/],
  ['what lies between', 70_000, (y) => y.fill(9, 64, -64), /as number \d+ of first/],
  ['the last of few', 62, (y) => y.fill(9, 17), /as number 17 of third/],
  ['a number that is none', 62, (y) => y.fill(Number.NaN), /gave NaN where [\d.]+ is right, as number 0 of third/],
  ['what is a little off', 62, (y) => y.set(y.map((one) => 1.001 * one)), /as number \d+ of third/],
  ['what was not written', 70_000, (y) => y.fill(0), /gave 0 where/],
])('finds %s wrong', async (_, of, spoil, says) => {
  expect(await said(of, spoil)).toMatch(says);
  expect(device.alive.size).toBe(0);
});

it('leaves nothing where it is aborted, before and meanwhile', async () => {
  expect(await codeOf(() => selfTest(new Pipelines(device as never), plan(), AbortSignal.abort()))).toBe('ABORTED');
  expect(device.alive.size).toBe(0);
  const stop = new AbortController();
  const compiling = vi.fn(() => new Promise<never>(() => {}));
  device.createComputePipelineAsync = compiling;
  void selfTest(new Pipelines(device as never), plan(), stop.signal);
  await vi.waitFor(() => expect(compiling).toHaveBeenCalled());
  expect(device.alive.size).toBe(5);
  stop.abort();
  expect(device.alive.size).toBe(0);
});
