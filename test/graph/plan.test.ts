import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { FORMS } from '../../src/face/forms.ts';
import type { Task } from '../../src/face/labels.ts';
import { Graph, type Tensor } from '../../src/graph/graph.ts';
import { makePlan, type Plan } from '../../src/graph/plan.ts';
import { planJson, printPlan, threadsOf } from '../../src/graph/print.ts';
import { instanceNorm } from '../../src/kernels/instanceNorm.ts';
import { pipelineKey } from '../../src/kernels/kernel.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { ROLES } from '../../src/kernels/roles.ts';
import { ENCODERS } from '../../src/model/backbones/index.ts';
import { network } from '../../src/model/network.ts';

const config = readConfig(tensorsOf('released'));
const graph = network(config);
const outputs = (tasks: readonly Task[]): string[] => outputsOf(tasks, false);
const whole = makePlan(graph, outputs(tasksOf(config)));

/** Simulates a frame: every read must find the tensor that was meant, so nothing that lives was overwritten, in whole or in part. */
function misreads(from: Graph, plan: Plan, kept: readonly Tensor[]): string[] {
  interface Held {
    name: string;
    slot: number;
    start: number;
    end: number;
  }
  let holds: Held[] = [];
  const wrong: string[] = [];
  const nodes = new Map(from.nodes.map((node) => [node.name, node]));
  const lies = (name: string, slot: number, start: number, end: number) =>
    holds.some((held) => held.name === name && held.slot === slot && held.start <= start && end <= held.end);
  for (const { node, places } of plan.dispatches) {
    const { inputs, output } = nodes.get(node) as (typeof from.nodes)[number];
    const written = places.at(-1);
    for (const [i, input] of inputs.entries()) {
      const place = places[i];
      if (input.kind !== 'tensor' || place?.kind !== 'slot') continue;
      const end = place.offset + place.bytes;
      if (!lies(input.node.name, place.slot, place.offset, end)) wrong.push(`${node} reads ${input.node.name} from slot ${place.slot}`);
      if (written?.kind === 'slot' && written.slot === place.slot) wrong.push(`${node} reads and writes slot ${place.slot}`);
      if (end > (plan.slots[place.slot] as number)) wrong.push(`${node} reads past the end of slot ${place.slot}`);
      if (place.offset % 256) wrong.push(`${node} reads from byte ${place.offset}`);
    }
    if (written?.kind !== 'slot') continue;
    const { slot, offset: start, bytes } = written;
    if (start + bytes > (plan.slots[slot] as number)) wrong.push(`${node} writes past the end of slot ${slot}`);
    holds = holds.filter((held) => held.slot !== slot || held.end <= start || held.start >= start + bytes);
    holds.push({ name: output.name, slot, start, end: start + bytes });
  }
  for (const { slot, name, offset, bytes } of plan.readbacks) {
    const tensor = kept.find((one) => one.name === name || from.outputs.get(name)?.tensor === one || from.taps.get(name)?.tensor === one);
    if (tensor && !lies(tensor.node.name, slot, offset, offset + bytes)) wrong.push(`${name} was overwritten`);
  }
  return wrong;
}

const kept = (taps: ReadonlyMap<string, { tensor: Tensor }>): Tensor[] => [...taps.values()].map(({ tensor }) => tensor);

describe('the plan of the released form', () => {
  it('is the one on record', async () => {
    await expect(`${printPlan(whole)}\n`).toMatchFileSnapshot('released.plan.txt');
  });

  it('stays within its budget', () => {
    expect(whole.totals.dispatches).toBeLessThan(260);
    expect(whole.totals.macs).toBeLessThanOrEqual(17.2e9);
    expect(whole.totals.activationBytes).toBeLessThanOrEqual(16e6);
  });

  it('stays within 13 MB in float16, the sums of shares being float32, with the same dispatches', () => {
    const half = makePlan(network(config, { dtype: 'f16' }), outputs(tasksOf(config)));
    expect(half.totals.activationBytes).toBeLessThanOrEqual(13e6);
    expect(half.totals.dispatches).toBe(whole.totals.dispatches);
    expect(half.totals.weightBytes).toBeLessThan(0.55 * whole.totals.weightBytes);
  });

  it('of eight images has the steps of one, its rows fill a GPU without shares, and where they do the pipelines are the same', () => {
    const eight = makePlan(network(config, { images: 8 }), outputs(tasksOf(config)));
    const steps = ({ dispatches }: Plan) => new Set(dispatches.map(({ node }) => node.replace(/ in shares$/, '')));
    expect(steps(eight)).toEqual(steps(whole));
    expect(eight.totals.dispatches).toBeLessThan(whole.totals.dispatches - 40);
    expect(eight.totals.macs).toBe(8 * whole.totals.macs);
    expect(eight.dispatches.every(({ launch }) => launch.workgroups.every((n) => n <= 65_535))).toBe(true);
    const keyOf = ({ dispatches }: Plan) => new Map(dispatches.map(({ node, kernel, launch }) => [node, pipelineKey(kernel, launch)]));
    const [one, all] = [keyOf(whole), keyOf(eight)];
    const bare = (key = '') => key.replace(/ (PARTS|SHARES|EACH)=\d+/g, ''); // where there is more to do, a thread has more of it, and sums are in fewer shares
    const others = [...all].filter(
      ([node, key]) => !key.startsWith('matmul') && !key.startsWith('sumShares') && bare(one.get(node)) !== bare(key),
    );
    expect(others.filter(([, key]) => !/RESIDUAL=2|REPEATS=1/.test(key))).toEqual([]);
  });

  it.each(['released', 'paper'] as const)('gives all large work of the %s form on a desktop GPU 20,000 threads', (form) => {
    const known = readConfig(tensorsOf(form));
    const { dispatches } = makePlan(network(known), outputs(tasksOf(known)));
    const large = dispatches.filter(({ launch }) => launch.macs > 10e6);
    expect(large.filter(({ kernel }) => /^(matmul|conv)/.test(kernel.name)).length).toBeGreaterThan(100);
    expect(large.filter((one) => threadsOf(one) < 20_000).map(({ kernel }) => kernel.name)).toEqual([]);
  });

  it.each(['apple', 'intel', 'adreno', 'mali'] as const)('takes at most 160 dispatches on %s', (kind) => {
    const { totals } = makePlan(network(config, { kernels: ROLES[kind] }), outputs(tasksOf(config)));
    expect(totals.dispatches).toBeLessThanOrEqual(160);
    expect(totals.macs).toBe(whole.totals.macs);
  });

  it('never reads what another tensor has overwritten, with or without taps', () => {
    expect(misreads(graph, whole, kept(graph.outputs))).toEqual([]);
    const tapped = makePlan(graph, outputs(tasksOf(config)), [...graph.taps.keys()]);
    expect(misreads(graph, tapped, [...kept(graph.outputs), ...kept(graph.taps)])).toEqual([]);
  });

  it('leaves out what the chosen tasks do not need', () => {
    const aging = network(config, { tasks: ['age'] });
    const age = makePlan(aging, ['age']);
    const names = age.dispatches.map(({ node }) => node);
    expect(names.some((name) => name.includes('output_upscaling') || name === 'segmentation' || name.includes('gender'))).toBe(false);
    expect(age.parameters.some(({ name }) => name.includes('hypernetwork'))).toBe(false);
    expect(age.totals.macs).toBeLessThan(whole.totals.macs);
    expect(misreads(aging, age, kept(aging.outputs))).toEqual([]);
    const ofAll = makePlan(graph, ['age']).dispatches.map(({ node }) => node); // whose last makes all heads at once
    expect(ofAll.slice(0, -1)).toEqual(names.slice(0, -1));
  });

  it.each([
    ...FORMS.flatMap((form) => [1, 2, 3, 5, 8].map((images) => [form, images, 'swin_b'] as const)),
    ...ENCODERS.slice(1).flatMap((encoder) => [2, 8].map((images) => ['paper', images, encoder] as const)),
  ])('keeps to the default limits of bindings, parameters too: %s form, %i images, %s', (form, images, backbone) => {
    const config = readConfig(tensorsOf(form, { backbone }));
    for (const dtype of ['f32', 'f16'] as const) {
      const plan = makePlan(network(config, { images, dtype }), outputs(tasksOf(config)));
      const bound = plan.dispatches.flatMap(({ places }) => places.filter((place) => place.kind === 'slot'));
      expect(bound.filter(({ offset, bytes }) => offset % 256 !== 0 || bytes > 2 ** 27)).toEqual([]);
      for (const { length } of plan.parameters) expect(4 * length).toBeLessThanOrEqual(2 ** 27);
    }
  });

  it('says in JSON what it says in print', () => {
    const json = JSON.parse(JSON.stringify(planJson(whole)));
    expect(json.totals).toMatchObject({ dispatches: whole.dispatches.length, passes: 1, submits: 1 });
    expect(json.dispatches).toHaveLength(whole.dispatches.length);
    expect(json.dispatches[0]).toMatchObject({ node: 'resized', kernel: 'resize', reads: ['picture', 'table'] });
  });
});

describe('any plan', () => {
  it('shares buffers only between tensors that live at different times', () => {
    const step = fc.record({ rows: fc.integer({ min: 1, max: 99 }), back: fc.integer({ min: 0, max: 5 }), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const g = new Graph();
        const w = g.parameter('w', [], 64, 'f32', () => {});
        const made: Tensor[] = [];
        for (const [i, { rows, back, add }] of steps.entries()) {
          const x = made[made.length - 1 - back] ?? w;
          const y = made[made.length - 2 - back] ?? w;
          const shape = { rows, inner: 16, cols: 4, ...(add && { residualRows: rows }) };
          if (add) made.push(g.add(`n${i}`, matmul, shape, { x, w, b: w, r: y }, [rows, 4]));
          else made.push(g.add(`n${i}`, instanceNorm, { pixels: rows, channels: 4, eps: 1e-5 }, { x }, [rows, 4]));
        }
        const last = made.at(-1) as Tensor;
        g.output('out', last);
        expect(misreads(g, makePlan(g, ['out']), [last])).toEqual([]);
      }),
    );
  });
});
