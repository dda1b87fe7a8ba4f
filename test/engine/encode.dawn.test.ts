/** JavaScript's share of a frame: recording the fused plan's commands costs what the WebGPU calls themselves cost, and no more. */
import { expect, it } from 'vitest';
import type { Program } from '../../src/graph/program.ts';
import { seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { loadEngine } from '../../src/model/load.ts';
import { openDawn } from '../dawn.ts';

const { device, lacking } = await openDawn('lavapipe');

const FRAMES = 50;
/** Times the bare calls' time. Milliseconds would be of the machine and of Node's binding, which takes most of them. */
const LIMIT = 1.25;

/** The calls that a frame cannot do without, from an array of nothing else. */
function bareCalls({ steps }: Program): (encoder: GPUCommandEncoder) => void {
  const calls = steps.map(({ dispatch: { launch }, pipeline, bindGroup }) => {
    const [x, y, z] = launch.workgroups;
    return { pipeline, bindGroup, x, y, z };
  });
  return (encoder) => {
    const pass = encoder.beginComputePass();
    let last: GPUComputePipeline | undefined;
    for (const { pipeline, bindGroup, x, y, z } of calls) {
      if (pipeline !== last) pass.setPipeline(pipeline);
      last = pipeline;
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y, z);
    }
    pass.end();
  };
}

function milliseconds(encode: (encoder: GPUCommandEncoder) => void): number {
  const encoder = device.createCommandEncoder();
  const start = performance.now();
  encode(encoder);
  const time = performance.now() - start;
  encoder.finish(); // and nothing is submitted
  return time;
}

it.skipIf(lacking)(`records a frame in ${LIMIT} times the time of its calls${lacking}`, async () => {
  const { programs, tasks, parameters, preprocess } = await loadEngine({
    weights: seededCheckpoint(tensorsOf('released')),
    device,
    plan: 'fused',
    dtype: 'f32',
  });
  const program = await programs.get({ tasks });
  const bare = bareCalls(program);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let i = 0; i < 2 * FRAMES; i++) {
    const pair = [milliseconds((encoder) => program.encode(encoder)), milliseconds(bare)] as const;
    if (i < FRAMES) continue; // before both are compiled
    ours.push(pair[0]);
    theirs.push(pair[1]);
  }
  // The least of each: a median is of what else the machine does, too.
  const [least, floor] = [Math.min(...ours), Math.min(...theirs)];
  const median = ours.sort((a, b) => a - b)[FRAMES / 2];
  console.log(
    `${program.steps.length} dispatches: least ${least.toFixed(3)} ms, median ${median?.toFixed(3)} ms; bare calls ${floor.toFixed(3)} ms`,
  );
  expect(least / floor).toBeLessThanOrEqual(LIMIT);
  for (const made of [programs, parameters, preprocess]) made.destroy();
});
