/// <reference types="vite/types/importMeta.d.ts" />
/** The list of wrong programs that `MUTANTS=all` tries: it leaves out no kernel, and each is wrong in one place. */
import { expect, it } from 'vitest';
import type * as Kernels from '../../src/kernels/kernel.ts';
import { mutantsOf } from './mutants.ts';

const modules = import.meta.glob<Record<string, unknown>>('../../src/kernels/**/*.ts', { eager: true });
const cases = import.meta.glob('./*.cases.ts');
const kernels = Object.values(modules)
  .flatMap((exports) => Object.values(exports))
  .filter((one): one is Kernels.Kernel<never> => typeof (one as Kernels.Kernel<never>)?.wgsl === 'string');

it('has changes of every kernel, each in one line, none twice, and the kernel has cases that may find them', () => {
  expect(kernels.length).toBeGreaterThan(30);
  for (const { name, wgsl } of kernels) {
    const mutants = mutantsOf(wgsl);
    expect(mutants.length, name).toBeGreaterThan(0);
    expect(new Set(mutants.map(({ text }) => text)).size, name).toBe(mutants.length);
    expect(Object.keys(cases), name).toContain(`./${name}.cases.ts`);
    const lines = wgsl.split('\n');
    for (const { what, text } of mutants) {
      const changed = text.split('\n');
      expect(changed.length, what).toBe(lines.length);
      expect(changed.filter((line, i) => line !== lines[i]).length, what).toBe(1);
    }
  }
});

it('has every change that the rules make, and none of what says what there is, of a loop’s step, or of a comment', () => {
  const text = `
@group(0) @binding(0) var<storage> x: array<f32>;
override LENGTH: u32 = 4u;
fn f(id: vec3u) -> f32 {
  for (var i = 0u; i < LENGTH; i += 2u) { // up to LENGTH - 1
    sum += max(x[i + id.x], 0.5);
  }
}`;
  const changes = mutantsOf(text).map(({ what }) => what.split('  ⟶  ')[1]);
  expect(changes).toEqual([
    'for (var i = 1u; i < LENGTH; i += 2u) {',
    'for (var i = 0u; i <= LENGTH; i += 2u) {',
    'sum -= max(x[i + id.x], 0.5);',
    'sum += min(x[i + id.x], 0.5);',
    'sum += max(x[i - id.x], 0.5);',
    'sum += max(x[i + id.y], 0.5);',
    'sum += max(x[i + id.x], 0.75);',
  ]);
});
