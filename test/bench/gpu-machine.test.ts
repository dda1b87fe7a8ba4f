/** What the folder for GPU machines says of a plan's dispatches. */
import { expect, it } from 'vitest';
import { threadOf } from '../../bench/gpu-machine/host.ts';
import { kernelRows, table } from '../../bench/gpu-machine/kernels.ts';
import { shapesOf } from '../../bench/gpu-machine/search.ts';
import { Graph } from '../../src/graph/graph.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { threadsOf } from '../../src/graph/print.ts';
import { defineKernel, pipelineKey } from '../../src/kernels/kernel.ts';

const wgsl = (size: string) => `const GROUPS = 8u; const SHARE = 2u * (GROUPS + 1u) - 2u;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(${size}) fn some() { y[0] = 1.0; }`;
const launch = { constants: {}, workgroups: [3, 5, 1], macs: 30 } as const;

it.each([
  ['64', 15 * 64],
  ['SHARE', 15 * 16],
  ['SHARE / 3u, 2', 15 * 5 * 2],
  ['8, GROUPS, 2u', 15 * 128],
])('counts the threads of @workgroup_size(%s)', (size, threads) => {
  expect(threadsOf({ kernel: { name: 'some', wgsl: wgsl(size) }, launch })).toBe(threads);
});

it('counts them by the machine shape that runs', () => {
  const kernel = { name: 'some', wgsl: wgsl('SHARE') };
  expect(threadsOf({ kernel, launch: { ...launch, machine: { GROUPS: 4 } } })).toBe(15 * 8);
});

it('tells of each pipeline what a frame runs of it', () => {
  const kernel = defineKernel('some', wgsl('SHARE'), () => launch);
  const graph = new Graph();
  graph.output('y', graph.add('node', kernel, {}, {}, [4]));
  const plan = makePlan(graph, ['y']);
  const pipeline = pipelineKey(kernel, launch).slice('some '.length);
  const time = { kernel: 'some', pipeline, workgroups: launch.workgroups, nodes: ['node', 'another'], milliseconds: 0.002, repeats: 9 };
  const rows = kernelRows(plan, [{ ...time, flops: 60, bytes: 16 }]);
  expect(rows[0]).toMatchObject({ threads: 240, dispatches: 2, each: 2, all: 4, macs: 30, bytes: 16, tflops: 60 / 2e6 });
  const [names, cells] = table(rows).trimEnd().split('\n') as [string, string];
  expect(cells.split('\t')).toHaveLength(names.split('\t').length);
});

it.each(['matmul', 'conv'] as const)('searches every shape of %s, of one face and of eight, the table first', (kernel) => {
  const shapes = shapesOf(kernel);
  expect(shapes.some(({ label }) => label.startsWith('8 faces'))).toBe(true);
  for (const { candidates, dispatches } of shapes) {
    expect(candidates[0]?.launch).toEqual(dispatches[0]?.launch);
    expect(new Set(candidates.map(({ name }) => name)).size).toBe(candidates.length);
    expect(candidates.length).toBeGreaterThan(4);
  }
});

it('tells what a thread did, by function and by who called what is not JavaScript', async () => {
  const numbers = Array.from({ length: 1 << 18 }, (_, i) => i);
  function sortsNumbers(): void {
    const until = performance.now() + 100; // once the profiler has begun, which takes its time
    while (performance.now() < until) numbers.toSorted((a, b) => (b ^ 5) - (a ^ 5));
  }
  const found = await threadOf(10, async () => sortsNumbers());
  const own = Object.entries(found).filter(([name]) => /^(sortsNumbers|a function) \(gpu-machine.test.ts:\d+\)/.test(name));
  expect(own.reduce((sum, [, ms]) => sum + ms, 0)).toBeGreaterThan(2);
});
