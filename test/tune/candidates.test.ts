import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensorsOf } from '../../src/checkpoint/manifest.ts';
import { outputsOf } from '../../src/engine/programs.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { cpuKernels } from '../../src/kernels/cpu.ts';
import { withMachine } from '../../src/kernels/kernel.ts';
import { matmul, type StreamMatmulShape } from '../../src/kernels/matmul.ts';
import { maliKernels } from '../../src/kernels/registers.ts';
import { tasksOf } from '../../src/model/config.ts';
import { readConfig } from '../../src/model/forms.ts';
import { fused } from '../../src/model/fused/fused.ts';
import { network } from '../../src/model/network.ts';
import { plain } from '../../src/model/plain/plain.ts';
import { alternativesTo, fits, matmulCandidates } from '../../src/tune/candidates.ts';
import { chooserOf, tunablesOf } from '../../src/tune/tune.ts';

const config = readConfig(tensorsOf('released'));
const outputs = outputsOf(tasksOf(config), false);

const shapes: fc.Arbitrary<StreamMatmulShape> = fc
  .record({
    rows: fc.integer({ min: 1, max: 3136 }),
    inner: fc.integer({ min: 1, max: 256 }).map((n) => 16 * n),
    cols: fc.integer({ min: 1, max: 32 }).map((n) => 64 * n),
    images: fc.integer({ min: 1, max: 8 }),
    stream: fc.boolean(),
  })
  .map((shape) => ({ ...shape, rows: shape.rows * shape.images }));

describe('candidates for a matrix product', () => {
  it('keep within the default limits, divide the inner dimension, cover every row and column, and are few and distinct', () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom(undefined, 32, 64), (shape, lanes) => {
        const made = matmulCandidates(shape, lanes);
        expect(made.length).toBeGreaterThan(2);
        expect(made.some(({ kernel }) => kernel.name === 'matmulShuffle')).toBe(lanes !== undefined);
        expect(made.length).toBeLessThanOrEqual(8);
        expect(new Set(made.map(({ name }) => name)).size).toBe(made.length);
        for (const { kernel, launch } of made) {
          withMachine(kernel, launch.machine); // every line is there
          const { ROW_GROUPS, SPLIT = 1, TILE_K = 4, GROUPS = 1, ROWS = 0, LANES, QUADS = 1 } = launch.machine as Record<string, number>;
          const tileRows = ROW_GROUPS ? 7 * ROW_GROUPS : GROUPS * ROWS;
          expect(launch.workgroups[0] * (LANES ? 4 * LANES * QUADS : 64)).toBeGreaterThanOrEqual(shape.cols);
          expect(launch.workgroups[1] * tileRows).toBeGreaterThanOrEqual(shape.rows);
          if (!ROW_GROUPS) continue;
          expect(shape.inner % (SPLIT * TILE_K)).toBe(0);
          expect(8 * ROW_GROUPS * SPLIT).toBeLessThanOrEqual(256);
          const quads = SPLIT * (tileRows * (TILE_K / 4 + Math.floor(TILE_K / 16)) + TILE_K * 16);
          expect(16 * quads + 8 * tileRows).toBeLessThanOrEqual(16384);
          // What the kernel keeps there after its loop: of each thread a vec4 where w was, and one in the room of seven rows of x.
          expect(Math.ceil(ROW_GROUPS / 8)).toBeLessThanOrEqual(TILE_K / 4);
          expect(TILE_K / 4).toBeGreaterThanOrEqual(2);
        }
      }),
    );
  });

  it('refuse machine shapes that do not fit', () => {
    expect(fits({ ROW_GROUPS: 8, SPLIT: 4, TILE_K: 8 }, { inner: 512 })).toBe(true);
    expect(fits({ ROW_GROUPS: 8, SPLIT: 4, TILE_K: 8 }, { inner: 48 })).toBe(false);
    expect(fits({ ROW_GROUPS: 8, SPLIT: 2, TILE_K: 16 }, { inner: 512 })).toBe(false);
    expect(fits({ ROW_GROUPS: 16, SPLIT: 4, TILE_K: 8 }, { inner: 512 })).toBe(false);
    expect(fits({ ROW_GROUPS: 8, SPLIT: 1, TILE_K: 8 }, { inner: 512 })).toBe(true);
  });

  it('are the same for batches, in the same words', () => {
    const one = { rows: 196, inner: 512, cols: 2048, norm: { eps: 1e-5 } };
    const of = (shape: StreamMatmulShape) => alternativesTo({ kernel: matmul, launch: matmul.launch(shape), shape });
    const names = (shape: StreamMatmulShape) => of(shape)?.candidates.map(({ name }) => name);
    expect(of({ ...one, rows: 8 * 196, images: 8 })?.label).toBe(of(one)?.label);
    expect(names({ ...one, rows: 8 * 196, images: 8 })).toEqual(names(one));
  });
});

describe("a plan's shapes", () => {
  const graph = network(config, { lowering: fused() });
  const plan = makePlan(graph, outputs);
  const tunables = tunablesOf(plan);

  it("are every product and window attention, the heaviest first, each with the table's own candidate first", () => {
    const counted = plan.dispatches.filter(({ kernel }) => kernel.name === 'matmul' || kernel.name === 'windowAttention').length;
    expect(tunables.flatMap(({ dispatches }) => dispatches)).toHaveLength(counted);
    const macs = tunables.map(({ dispatches }) => dispatches.reduce((sum, { launch }) => sum + launch.macs, 0));
    expect(macs).toEqual(macs.toSorted((a, b) => b - a));
    for (const { candidates, dispatches } of tunables) for (const { launch } of dispatches) expect(candidates[0]?.launch).toEqual(launch);
  });

  it("begin with the small kernel where the table is Mali's", () => {
    const [first] = tunablesOf(makePlan(network(config, { lowering: fused(maliKernels) }), outputs));
    expect(first?.candidates.map(({ name }) => name)).toContain('matmulRegisters GROUPS=4 ROWS=7 QUADS=1 STEP=4');
    expect(first?.candidates[0]?.name).toBe('matmulRegisters GROUPS=4 ROWS=4 QUADS=1 STEP=4');
  });

  it('are none in the plain plan', () => {
    expect(tunablesOf(makePlan(network(config, { lowering: plain(cpuKernels) }), outputs))).toEqual([]);
  });

  it('take the chosen kernels, and nothing else changes', () => {
    const choices = Object.fromEntries(tunables.map(({ label, candidates }) => [label, candidates.at(-1)?.name as string]));
    const tuned = makePlan(graph, outputs, [], chooserOf(choices));
    for (const [i, dispatch] of tuned.dispatches.entries()) {
      const { kernel: _, launch: __, ...rest } = dispatch;
      expect(plan.dispatches[i]).toMatchObject(rest);
      const tunable = tunables.find(({ dispatches }) => dispatches.some(({ node }) => node === dispatch.node));
      expect(dispatch.launch).toEqual((tunable?.candidates.at(-1) ?? plan.dispatches[i])?.launch);
    }
  });

  it('keep the table where a choice is of no candidate', () => {
    const choices = { ...Object.fromEntries(tunables.map(({ label }) => [label, 'matmul ROW_GROUPS=9'])), constructor: 'matmul' };
    expect(makePlan(graph, outputs, [], chooserOf(choices))).toEqual(plan);
  });
});
