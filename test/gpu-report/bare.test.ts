/** The comparison of `matmul` with products that can do nothing else. */
import { expect, it } from 'vitest';
import { BARE_PRODUCTS, bareWgsl, nameOf, worseThanBare } from '../../bench/gpu-report/bare.ts';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { fits } from '../../src/kernels/matmul/matmul.ts';
import { network } from '../../src/model/network.ts';

const BARE = { loop: 400, registers: 80, waves: 10, spills: 0 };
const worse = (own: object) => worseThanBare('navi31', '32x64 4x4', { ...BARE, ...own }, BARE);

it('lets a figure be a tenth worse, and no more', () => {
  expect(worse({})).toEqual([]);
  expect(worse({ loop: 440, registers: 88, waves: 9 })).toEqual([]);
  expect(worse({ loop: 441 })).toEqual([
    'navi31: matmul 32x64 4x4: 441 instructions in the loop, where a bare product of that machine shape has 400',
  ]);
  expect(worse({ registers: 89 })).toHaveLength(1);
  expect(worse({ waves: 8.75 })).toHaveLength(1);
  expect(worse({ spills: 1 })).toHaveLength(1);
  expect(worse({ loop: 200, registers: 40, waves: 20 })).toEqual([]);
});

it('tells a figure that is not there', () => {
  const { loop: _, ...without } = BARE;
  expect(worseThanBare('ga102', '32x64 4x4', without as typeof BARE, BARE)).toHaveLength(1);
});

it('has every machine shape of the desktop’s products', () => {
  const config = readConfig(tensorsOf('released'));
  const { dispatches } = makePlan(network(config), outputsOf(tasksOf(config), false));
  const sizes = dispatches.filter(({ kernel }) => kernel.name === 'matmul').map(({ launch }) => launch.machine as Record<string, number>);
  const names = sizes.map(
    ({ TILE_ROWS = 0, TILE_QUADS = 0, ROWS = 0, QUADS = 0 }) => `${TILE_ROWS}x${4 * TILE_QUADS} ${ROWS}x${4 * QUADS}`,
  );
  const known = BARE_PRODUCTS.map(nameOf);
  expect([...new Set(names)].filter((name) => !known.includes(name))).toEqual([]);
  expect(new Set(known).size).toBe(BARE_PRODUCTS.length);
});

it.each(BARE_PRODUCTS.map((product) => [nameOf(product), product] as const))('multiplies as often as matmul does: %s', (_, product) => {
  const { ROWS, QUADS } = product.tile;
  expect(fits(product.tile, product)).toBe(true);
  const wgsl = bareWgsl(product);
  expect(wgsl.match(/ = fma\(/g)).toHaveLength(4 * ROWS * QUADS);
  expect(wgsl.match(/workgroupBarrier\(\);/g)).toHaveLength(2);
});
