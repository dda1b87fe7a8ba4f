/**
 * A backbone of two convolutions (toy.ts) and a head of two numbers, written here: what they take of the model is an object each. Their checkpoint is
 * written here too, from the tensors that a dry build names, and the network runs on lavapipe.
 */
import { describe, expect, it } from 'vitest';
import { checkTensors } from '../../src/checkpoint/check.ts';
import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { kernelsFor } from '../../src/engine/choose.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { loadProgram } from '../../src/graph/load.ts';
import { makePlan } from '../../src/graph/plan.ts';
import type { Results } from '../../src/graph/program.ts';
import { sumShares } from '../../src/kernels/matmul/sumShares.ts';
import { type GpuKernels, ROLES } from '../../src/kernels/roles.ts';
import { taskToFace } from '../../src/kernels/taskToFace.ts';
import { backboneOf } from '../../src/model/backbones/index.ts';
import { network, tensorsOfNetwork } from '../../src/model/network.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { openDawn } from '../dawn.ts';
import { CHANNELS, SIDE, toy } from './toy.ts';

const { device, lacking } = await openDawn('lavapipe');

const architecture = {
  backbone: toy,
  heads: [{ task: 'mood', tokens: 'mood_token', count: 1, path: 'mood_prediction_head', out: 2 }],
  side: SIDE,
};
const tensors = tensorsOfNetwork(architecture);

it('describes its tensors, and no other backbone’s or head’s', () => {
  expect(tensors.get('backbone.halves.weight')).toMatchObject({ dtype: 'F32', shape: [64, 64, 2, 2] });
  expect(tensors.get('face_decoder.mood_prediction_head.layers.2.weight')).toMatchObject({ shape: [2, 256] });
  expect(tensors.get('linear_c.3.proj.weight')).toMatchObject({ shape: [256, 64] });
  expect([...tensors.keys()].filter((name) => /^backbone\./.test(name))).toHaveLength(2);
  expect([...tensors.keys()].some((name) => /landmarks|mask_tokens|upscaling/.test(name))).toBe(false);
  expect(backboneOf(tensors, [toy])).toBe(toy);
  expect(() => backboneOf(tensors)).toThrow(/backbone that is not known/);
  const lacking = new Map([...tensors].filter(([name]) => name !== 'backbone.halves.weight'));
  expect(() => checkTensors(lacking, tensors)).toThrow(/1 missing \(backbone\.halves\.weight\)/);
});

describe.skipIf(lacking)(`on a GPU${lacking}`, () => {
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 251));

  /** What the network gives for the pixels, on kernels of a kind of GPU: of frames one after the other. */
  async function run(weights: Checkpoint, kernels: GpuKernels, frames = 1): Promise<Results[]> {
    const texture = device.createTexture({ size: [SIDE, SIDE, 1], format: 'rgba8unorm', usage: 6 });
    device.queue.writeTexture({ texture }, pixels, { bytesPerRow: 4 * SIDE }, [SIDE, SIDE]);
    // The identity: one tap of weight 2^22 an axis.
    const axis = [...Array.from({ length: SIDE }, (_, i) => i), ...Array(SIDE).fill(2 ** 22)];
    const numbers = Int32Array.from([8, 0, 0, 0, 0, 0, 0, 0, 1, 1, ...axis, ...axis]);
    const table = device.createBuffer({ size: numbers.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(table, 0, numbers);
    const resources = new Map<string, GPUTexture | GPUBuffer>([
      ['picture', texture],
      ['table', table],
    ]);
    const graph = network(architecture, { kernels });
    const program = await loadProgram(graph, { pipelines: new Pipelines(device), weights, resources });
    const given: Results[] = [];
    for (let i = 0; i < frames; i++) given.push(await (await program.run()).results);
    program.destroy();
    program.parameters.destroy();
    return given;
  }

  it('runs from a checkpoint file, and its maps are the convolutions’', async () => {
    const seeded = seededCheckpoint(tensors, 7);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of safetensorsBytes(seeded)) pieces.push(Uint8Array.from(piece));
    const weights = await openCheckpoint(new Blob(pieces));
    const own = new Map<string, Float32Array>();
    for await (const { info, data } of seeded.read()) own.set(info.name, new Float32Array(data.slice().buffer));
    checkTensors(weights.tensors, tensors);
    const [results] = await run(weights, kernelsFor({ vendor: '', software: true }));
    const given = (name: string) => new Float32Array(results?.get(name) as ArrayBuffer);
    expect(given('mood')).toHaveLength(2);
    expect(given('mood').every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
    let side = SIDE / 4;
    let expected = convolved(
      own.get('backbone.patches.weight') as Float32Array,
      side,
      4,
      3,
      (at, k) => (pixels[4 * at + k] as number) / 255,
    );
    for (let i = 0; i < 4; i++) {
      expect(nmse(given(`map ${i}`), expected)).toBeLessThan(1e-10);
      const before = expected;
      side /= 2;
      if (side >= 1)
        expected = convolved(
          own.get('backbone.halves.weight') as Float32Array,
          side,
          2,
          CHANNELS,
          (at, k) => before[at * CHANNELS + k] as number,
        );
    }
  });

  it('gives every bit again on the kernels of large GPUs, whose sums are made in shares, from frame to frame and loaded anew', async () => {
    const { dispatches } = makePlan(network(architecture, { kernels: ROLES.desktop }), ['mood']);
    const sums = (name: string) => dispatches.filter(({ kernel }) => kernel.name === name).length;
    expect(sums(sumShares.name)).toBeGreaterThan(4);
    expect(sums(taskToFace.name)).toBeGreaterThan(1);
    const seeded = seededCheckpoint(tensors, 7);
    const frames = [...(await run(seeded, ROLES.desktop, 3)), ...(await run(seeded, ROLES.desktop))];
    const bitsOf = (frame?: Results) => [...(frame ?? [])].map(([name, data]) => [name, Buffer.from(data).toString('hex')]);
    for (const frame of frames) expect(bitsOf(frame)).toEqual(bitsOf(frames[0]));
    const [mood, plain] = [frames[0], (await run(seeded, kernelsFor({ vendor: '', software: true })))[0]].map(
      (frame) => new Float32Array(frame?.get('mood') as ArrayBuffer),
    );
    expect(nmse(mood as Float32Array, plain as Float32Array)).toBeLessThan(1e-8);
  });
});

function convolved(w: Float32Array, side: number, patch: number, inner: number, x: (at: number, k: number) => number): Float64Array {
  const each = inner * patch * patch;
  return Float64Array.from({ length: side * side * CHANNELS }, (_, at) => {
    const [place, channel] = [Math.floor(at / CHANNELS), at % CHANNELS];
    let sum = 0;
    for (let i = 0; i < each; i++) {
      const row = Math.floor(place / side) * patch + (Math.floor(i / patch) % patch);
      const column = (place % side) * patch + (i % patch);
      sum += (w[channel * each + i] as number) * x(row * side * patch + column, Math.floor(i / (patch * patch)));
    }
    return sum;
  });
}
