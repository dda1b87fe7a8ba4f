/**
 * Numbers that are none in any one place of a network: never a result, always the error that names the node. The networks are both forms' on a backbone of
 * two convolutions, whose fusion, decoder, hourglass and heads are whole, on lavapipe. A node is made wrong by a dispatch behind its own that writes
 * over one of its numbers, in the frame and when it is looked for.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { headsOf } from '../../src/face/tasks.ts';
import { Program } from '../../src/graph/program.ts';
import { FaceXFormer, seededCheckpoint } from '../../src/index.ts';
import { defineKernel, pipelineKey } from '../../src/kernels/kernel.ts';
import { tensorsOfNetwork } from '../../src/model/network.ts';
import { openDawn } from '../dawn.ts';
import { picture } from '../engine/reduced.ts';
import { toy } from '../model/toy.ts';

const { device, lacking } = await openDawn('lavapipe');

/** Writes a word over one of what a node made. */
const wrong = defineKernel(
  'wrong',
  `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
override AT: u32;
override WORD: u32;
@compute @workgroup_size(1)
fn wrong() { y[AT] = WORD; }`,
  ({ at, word }: { at: number; word: number }) => ({ constants: { AT: at, WORD: word }, workgroups: [1, 1, 1], macs: 0 }),
);

const wordOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0] as number;
const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, 3e38];

/** Has every frame go wrong behind a node. */
function poison(node: string, value: number): void {
  const { encode } = Program.prototype;
  vi.spyOn(Program.prototype, 'encode').mockImplementation(function (this: Program, encoder, sizes, steps = this.steps) {
    for (const step of steps) {
      encode.call(this, encoder, sizes, [step]);
      const place = step.dispatch.places.at(-1);
      if (step.dispatch.node !== node || place?.kind !== 'slot') continue;
      const at = 4 * Math.floor((place.bytes * 0.3) / 16); // no padding: in a vec4 that has some it comes last, and the heads' outputs begin at multiples of 64
      const launch = wrong.launch({ at, word: wordOf(value) });
      const module = device.createShaderModule({ code: wrong.wgsl });
      const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, constants: launch.constants } });
      const buffer = this.slots[place.slot] as GPUBuffer;
      const entries = [{ binding: 0, resource: { buffer, offset: place.offset, size: place.bytes } }];
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(1);
      pass.end();
    }
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** With a CPU's kernels, and with those of a desktop's GPU. */
const NETWORKS = [
  ['released', 'auto'],
  ['paper', 'auto'],
  ['released', 'fused'],
] as const;

describe.skipIf(lacking).for(NETWORKS)(`a node of the %s form that gives what is no number, plan %s${lacking}`, ([form, plan]) => {
  it('is named, and there is no result', async () => {
    const weights = seededCheckpoint(tensorsOfNetwork({ backbone: toy, heads: headsOf(form, { stacks: 1, levels: 1 }) }));
    const engine = await FaceXFormer.load({ weights, device, plan });
    const numbers = engine.plan().dispatches.filter(({ kernel }) => !/^(resize|parse)$/.test(kernel.name)); // those give bytes
    const once = new Map(numbers.map((one) => [pipelineKey(one.kernel, one.launch), one])); // a node of each pipeline
    const said: string[] = [];
    for (const [i, { node, kernel }] of [...once.values()].entries()) {
      const value = VALUES[i % VALUES.length] as number;
      poison(node, value);
      const error = await engine.analyze(picture, { box: 'whole' }).catch((reason: Error) => reason);
      vi.restoreAllMocks();
      const message = error instanceof Error ? error.message : 'a result';
      if (!message.includes(`of ${node} (${kernel.name})`)) said.push(`${value} in ${node} (${kernel.name}): ${message.slice(0, 200)}`);
    }
    expect((await engine.analyze(picture, { box: 'whole' })).faces).toHaveLength(1);
    engine.dispose();
    console.log(`${form}, ${plan}: ${once.size} of ${numbers.length} nodes`);
    expect(said).toEqual([]);
  });
});
