import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { FORMS } from '../../src/face/forms.ts';
import { type Dispatch, makePlan } from '../../src/graph/plan.ts';
import { withMachine } from '../../src/kernels/kernel.ts';
import { fits, matmul, tileOf } from '../../src/kernels/matmul/matmul.ts';
import type { MatmulShape } from '../../src/kernels/matmul/role.ts';
import { PRODUCTS, ROLES } from '../../src/kernels/roles.ts';
import { network } from '../../src/model/network.ts';
import { alternativesTo, matmulCandidates } from '../../src/tune/candidates.ts';
import { chooserOf, type Tunable, tunablesOf } from '../../src/tune/tune.ts';

const config = readConfig(tensorsOf('released'));
const outputs = outputsOf(tasksOf(config), false);

const shapes: fc.Arbitrary<MatmulShape> = fc
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
      fc.property(shapes, (shape) => {
        const { candidates: made = [] } = alternativesTo({ kernel: matmul, launch: matmul.launch(shape), shape }) ?? {};
        expect(made.length).toBeGreaterThan(2);
        expect(made.length).toBeLessThanOrEqual(4);
        expect(new Set(made.map(({ name }) => name)).size).toBe(made.length);
        for (const { kernel, launch } of made) {
          withMachine(kernel, launch.machine); // every line is there
          const { TILE_ROWS, TILE_QUADS = 16, TILE_K = 4, ROWS = 0, QUADS = 1 } = launch.machine as Record<string, number>;
          expect(launch.workgroups[0] * 4 * TILE_QUADS).toBeGreaterThanOrEqual(shape.cols);
          expect(launch.workgroups[1] * (TILE_ROWS ?? 4 * ROWS)).toBeGreaterThanOrEqual(shape.rows);
          if (!TILE_ROWS) continue;
          expect(shape.inner % TILE_K).toBe(0);
          expect((TILE_ROWS / ROWS) * (TILE_QUADS / QUADS)).toBeLessThanOrEqual(256);
          expect(4 * TILE_K * (TILE_ROWS + ROWS + 4 * TILE_QUADS) + 8 * TILE_ROWS).toBeLessThanOrEqual(16384);
        }
      }),
    );
  });

  it('have the nearest machine shapes of the same kernel first', () => {
    const shape = { rows: 196, inner: 512, cols: 1536 };
    const near = matmulCandidates(shape, matmul.launch(shape).machine).map(({ kernel }) => kernel.name);
    expect(near.slice(0, 3)).toEqual(['matmul', 'matmul', 'matmul']);
    const registers = matmulCandidates(shape).map(({ kernel }) => kernel.name);
    const others = PRODUCTS.map(({ name }) => name).filter((name) => name !== 'matmul');
    expect(registers.slice(0, others.length)).toEqual(others);
    for (const { kernel } of matmulCandidates({ ...shape, shares: 4 })) expect(kernel.name).toBe('matmul'); // no other makes shares
  });

  it('refuse machine shapes that do not fit', () => {
    const shape = { rows: 196, inner: 512, cols: 512 };
    expect(fits(tileOf('98x64', '7x8'), shape)).toBe(true);
    expect(fits(tileOf('98x64', '7x8'), { ...shape, inner: 24 })).toBe(false);
    expect(fits(tileOf('128x64', '4x4'), shape)).toBe(false); // 512 threads
    expect(fits(tileOf('64x32', '4x4'), { ...shape, stream: true })).toBe(false); // half of a row's 64
    expect(fits(tileOf('64x32', '4x4'), { ...shape, stream: true, shares: 4 })).toBe(true); // mere sums
    expect(fits(tileOf('32x64', '4x4'), { ...shape, shares: 64 })).toBe(false); // less than a step
  });
});

describe("a plan's shapes", () => {
  const graph = network(config);
  const plan = makePlan(graph, outputs);
  const tunables = tunablesOf(plan);

  it("are every product, and every window attention but those that one kernel alone can do, the heaviest first, each with the table's own candidate first", () => {
    const isTuned = ({ kernel, launch }: Dispatch) =>
      kernel.name === 'matmul' || (kernel.name === 'windowAttention' && launch.machine?.['SHARES'] === 1);
    const counted = plan.dispatches.filter(isTuned).length;
    expect(tunables.flatMap(({ dispatches }) => dispatches)).toHaveLength(counted);
    const macs = tunables.map(({ dispatches }) => dispatches.reduce((sum, { launch }) => sum + launch.macs, 0));
    expect(macs).toEqual(macs.toSorted((a, b) => b - a));
    for (const { candidates, dispatches } of tunables) for (const { launch } of dispatches) expect(candidates[0]?.launch).toEqual(launch);
  });

  it.each(FORMS.flatMap((form) => (['f32', 'f16'] as const).map((dtype) => [form, dtype] as const)))(
    'of the %s form in %s are told apart by their labels',
    (form, dtype) => {
      const known = readConfig(tensorsOf(form));
      for (const images of [1, 3])
        for (const { candidates, dispatches } of tunablesOf(
          makePlan(network(known, { dtype, images }), outputsOf(tasksOf(known), false)),
        )) {
          const bindings = new Set(dispatches.map(({ places }) => places.map((place) => 'dtype' in place && place.dtype).join()));
          expect(bindings.size).toBe(1);
          for (const { launch } of dispatches) expect(candidates[0]?.launch).toEqual(launch);
        }
    },
  );

  it("begin with the table's own kernel, in its machine shape, where the table is Mali's, and Adreno's is among them", () => {
    const [{ candidates, dispatches }] = tunablesOf(makePlan(network(config, { kernels: ROLES.mali }), outputs)) as [Tunable];
    const [{ shape, launch }] = dispatches as [Dispatch];
    expect(candidates[0]).toMatchObject({ kernel: { name: ROLES.mali.matmul.kernel.name }, launch });
    expect(candidates.map((one) => one.launch)).toContainEqual(ROLES.adreno.matmul.kernel.launch(shape as MatmulShape));
  });

  it('are none with the kernels for subgroups of four', () => {
    expect(tunablesOf(makePlan(network(config, { kernels: ROLES.subgroup }), outputs))).toEqual([]);
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
