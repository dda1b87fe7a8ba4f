/** That every dispatch reads and writes its tensors as they are stored: a kernel that takes halves for floats gives numbers all the same. */

import { describe, expect, it } from 'vitest';
import { readConfig, tensorsOf } from '../../src/face/config.ts';
import { FORMS } from '../../src/face/forms.ts';
import type { Node, Operand } from '../../src/graph/graph.ts';
import { type Kernel, withMachine } from '../../src/kernels/kernel.ts';
import { ROLES } from '../../src/kernels/roles.ts';
import { network } from '../../src/model/network.ts';

/** `f16` or a type of 32 bits, for each binding of a buffer by name. */
function elementTypes(wgsl: string): Map<string, string> {
  const aliases = new Map([...wgsl.matchAll(/^alias (\w+) = ([^;]+);/gm)].map(([, name, type]) => [name as string, type as string]));
  const scalar = (type: string): string => {
    const inner = /^(?:array|vec[234])<([^,]+)(?:,.*)?>$/.exec(type)?.[1] ?? aliases.get(type);
    return inner === undefined
      ? type.replace(/^vec[234]([fhui])$/, (_, letter) => ({ f: 'f32', h: 'f16', u: 'u32', i: 'i32' })[letter as 'f'])
      : scalar(inner);
  };
  return new Map(
    [...wgsl.matchAll(/var<storage, \w+> (\w+): ([^;]+);/g)].map(([, name, type]) => [name as string, scalar(type as string)]),
  );
}

/** What of a dispatch is bound as something else than it is. What stands in for an absent operand is bound twice, and has to fit once. */
function misread({ name, kernel, launch, inputs, output }: Node): string[] {
  const types = elementTypes(withMachine(kernel as Kernel<never>, launch.machine));
  const bound = kernel.bindings.map((binding, i) => ({ binding: binding.name, operand: (inputs[i] ?? output) as Operand }));
  const buffers = bound.filter(({ binding, operand }) => types.has(binding) && operand.kind !== 'resource');
  const fits = ({ binding, operand }: (typeof bound)[number]) =>
    operand.kind === 'resource' || (types.get(binding) === 'f16') === (operand.dtype === 'f16');
  const fitting = new Set(buffers.filter(fits).map(({ operand }) => operand));
  return buffers
    .filter(({ operand }) => !fitting.has(operand))
    .map(({ binding, operand }) => `${name}: ${kernel.name} reads ${binding} as ${types.get(binding)}, but ${operand.name} is not`);
}

const KERNELS = [
  ['desktop', ROLES.desktop, 'f32'],
  ['desktop', ROLES.desktop, 'f16'],
  ['Adreno', ROLES.adreno, 'f16'],
  ['Intel', ROLES.intel, 'f16'],
  ['Apple', ROLES.apple, 'f16'],
  ['Mali', ROLES.mali, 'f16'],
  ['software', ROLES.software, 'f16'],
  ['subgroups of four', ROLES.subgroup, 'f16'],
  ['subgroups of eight', ROLES.subgroup8, 'f16'],
] as const;

describe.each(FORMS)('%s form', (form) => {
  const config = readConfig(tensorsOf(form));
  it.for(KERNELS)('%s', ([, kernels, dtype]) => {
    const { nodes } = network(config, { kernels, images: 2, dtype });
    const halves = nodes.filter(({ inputs }) => inputs.some((operand) => operand.kind !== 'resource' && operand.dtype === 'f16'));
    expect(halves.length > 100).toBe(dtype === 'f16');
    expect(nodes.flatMap(misread)).toEqual([]);
  });
});

it('finds a tensor of halves that is read as floats', () => {
  const { nodes } = network(readConfig(tensorsOf('released')), { dtype: 'f16' });
  const update = nodes.find(({ name }) => name.endsWith('layers.0.mlp.lin2 + norm3')) as Node;
  const [x, ...others] = update.inputs as [Exclude<Operand, { kind: 'resource' }>, ...Operand[]];
  expect(misread(update)).toEqual([]);
  expect(misread({ ...update, inputs: [{ ...x, dtype: 'f16' }, ...others] })).toEqual([
    expect.stringContaining('tokenUpdate reads x as f32'),
  ]);
});
