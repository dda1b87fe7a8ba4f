/** The paper form's plan: what the hourglass adds, what it leaves out, and that its sizes are the checkpoint's. */

import { describe, expect, test } from 'vitest';
import { outputsOf } from '../../src/engine/programs.ts';
import { heatmapsTap, readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import type { Task } from '../../src/face/labels.ts';
import { headsOf } from '../../src/face/tasks.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { makePlan, type Plan } from '../../src/graph/plan.ts';
import { mobilenet } from '../../src/model/backbones/mobilenet.ts';
import { network, tensorsOfNetwork } from '../../src/model/network.ts';

const paper = readConfig(tensorsOf('paper'));
const planOf = (tasks: readonly Task[], config = paper): Plan => makePlan(network(config, { tasks }), outputsOf(tasks, false));
const others = tasksOf(paper).filter((task) => task !== 'landmarks');
/** Its own; the token MLP is one of the heads, which are one dispatch. */
const ofHourglass = ({ dispatches }: Plan) =>
  dispatches.filter(({ node, kernel }) => node.includes('landmarks_hourglass') && kernel.name !== 'mlpHead');
/** A product or convolution in shares is one step. */
const stepsOf = (plan: Plan) => ofHourglass(plan).filter(({ node }) => !node.endsWith(' in shares'));

describe('the hourglass network', () => {
  const all = planOf(tasksOf(paper));

  test('leaves the plan within 450 dispatches', () => expect(all.totals.dispatches).toBeLessThanOrEqual(450));

  test('adds 154 steps, 60 of them in shares, and none where landmarks are not asked for', () => {
    const without = planOf(others);
    expect(stepsOf(all).length).toBe(154);
    expect(ofHourglass(all).length).toBe(154 + 60);
    expect(all.totals.dispatches - without.totals.dispatches).toBe(ofHourglass(all).length);
    expect(ofHourglass(without)).toEqual([]);
    expect(without.parameters.filter(({ name }) => name.includes('landmarks_hourglass'))).toEqual([]);
  });

  test('is three dispatches a block: nothing is pooled, upsampled, normed or added on its own', () => {
    const kernels = stepsOf(all).map(({ kernel }) => kernel.name.replace('sumShares', 'matmul').replace('sumConvShares', 'conv'));
    const counts = Object.fromEntries([...new Set(kernels)].map((name) => [name, kernels.filter((one) => one === name).length]));
    // Per stack 11 blocks; conv, heatmaps and, but for the last, the two merges; before the first the token maps and their merge.
    expect(counts).toEqual({ packRows: 1, matmul: 4 * 4 - 2 + 2, conv: 4 * 11 * 3, instanceNorm: 4, heatmapPoints: 1 });
  });

  test('shares its pipelines among stacks and map sizes', () => {
    const pipelines = new Set(ofHourglass(all).map(({ kernel, launch }) => `${kernel.name} ${JSON.stringify(launch.constants)}`));
    // Six that are whole, and those in shares: of 1x1 and 3x3, pooled or not, as many as the maps' sizes ask for.
    expect([...pipelines].filter((one) => /^conv .*"SHARES":1\D/.test(one)).length).toBeLessThanOrEqual(6);
    expect([...pipelines].filter((one) => one.startsWith('conv ')).length).toBeLessThanOrEqual(14);
  });

  test('reads its weights whole: every tensor of the form is used, but for those that inference does not need', () => {
    const used = new Set(all.parameters.flatMap(({ from }) => from));
    const unused = [...tensorsOf('paper').keys()].filter((name) => !used.has(name));
    expect(unused.filter((name) => !/num_batches_tracked$|relative_position_index$|^backbone\.1\./.test(name))).toEqual([]);
  });

  test.for([
    { stacks: 1, levels: 3 },
    { stacks: 2, levels: 1 },
    { stacks: 6, levels: 2 },
  ])('is as deep as the checkpoint: $stacks stacks of $levels levels', (sizes) => {
    const config = readConfig(tensorsOf('paper', { hourglass: sizes }));
    const { stacks, levels } = sizes;
    expect(heatmapsTap(config)).toBe(`landmarks.stack${stacks - 1}.heatmaps`);
    const convolutions = stepsOf(planOf(['landmarks'], config)).filter(({ kernel }) => /^(conv|sumConvShares)$/.test(kernel.name));
    expect(convolutions.length).toBe(3 * stacks * (3 * levels + 2));
  });

  test.for([
    { stacks: 17, levels: 1, unknown: / unknown .*stacks\.15\.merge_/ },
    { stacks: 1, levels: 4, unknown: / unknown .*low2\.low2\.low2\./ },
  ])('is no deeper than a map halves, and of no more stacks than anyone trains: $stacks of $levels levels', ({ unknown, ...sizes }) => {
    const tensors = tensorsOfNetwork({ backbone: mobilenet, heads: headsOf('paper', sizes) });
    expect(() => readConfig(tensors)).toThrow(unknown);
  });

  test('a checkpoint that lacks a part of it is refused', () => {
    const tensors = new Map(tensorsOf('paper'));
    tensors.delete('face_decoder.landmarks_hourglass.stacks.2.merge_features.weight');
    expect(() => readConfig(tensors)).toThrow(FaceXFormerError);
    expect(() => readConfig(tensors)).toThrow(/merge_features\.weight/);
  });
});

describe('the released form', () => {
  const released = readConfig(tensorsOf('released'));

  test('has no hourglass, and its plan no kernel of one', () => {
    expect(heatmapsTap(released)).toBeUndefined();
    const kernels = new Set(planOf(tasksOf(released), released).dispatches.map(({ kernel }) => kernel.name));
    for (const name of ['conv', 'sumConvShares', 'instanceNorm', 'heatmapPoints', 'packRows', 'l2Normalise'])
      expect(kernels).not.toContain(name);
  });
});

test('outputs have the shapes of PyTorch’s', () => {
  const { outputs } = network(paper);
  const shapes = Object.fromEntries([...outputs].map(([name, { shape }]) => [name, shape]));
  expect(shapes).toMatchObject({ landmarks: [1, 68, 2], headpose: [1, 3, 3], recognition: [1, 512], expression: [1, 7] });
});
