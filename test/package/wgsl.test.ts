/** What the build makes of the shaders: the same programs in fewer letters. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { minifiedWgsl, wgslTokens } from '../../scripts/wgsl.mjs';
import { defineKernel } from '../../src/kernels/kernel.ts';

const folder = new URL('../../src/kernels/', import.meta.url);
const kernels = readdirSync(folder).filter((file) => file.endsWith('.wgsl'));
const sourceOf = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

/** Everything that others find by name. */
function face(code: string) {
  const reflected = new WgslReflect(code);
  return {
    entries: reflected.entry.compute.map(({ name, resources }) => ({ name, resources: resources.map((resource) => resource.name).sort() })),
    overrides: reflected.overrides.map(({ name, type }) => ({ name, type: type?.name })),
    bindings: reflected.getBindGroups()[0]?.map((binding) => binding && { name: binding.name, access: binding.access }),
    read: defineKernel('any', code, () => ({ constants: {}, workgroups: [1, 1, 1], macs: 0 })).bindings,
  };
}

describe.for(kernels)('%s, minified', (file) => {
  const source = sourceOf(file);
  const code = minifiedWgsl(source);

  it('has the same entry point, overrides and bindings', () => expect(face(code)).toEqual(face(source)));

  it('is the same tokens, but for names, each of which became one other', () => {
    const [before, after] = [wgslTokens(source), wgslTokens(code)];
    expect(after.length).toBe(before.length);
    const [there, back] = [new Map<string, string>(), new Map<string, string>()];
    for (const [i, token] of before.entries()) {
      const other = after[i] as string;
      const renamed = other !== token;
      if (renamed) expect([/^[A-Za-z_]\w*$/.test(token), before[i - 1] !== '.', before[i - 1] !== '@']).toEqual([true, true, true]);
      // Members and attributes keep names that variables may lose.
      if (!renamed && (before[i - 1] === '.' || before[i - 1] === '@' || before[i - 2] === 'builtin')) continue;
      expect(there.get(token) ?? other, token).toBe(other);
      expect(back.get(other) ?? token, other).toBe(token);
      there.set(token, other);
      back.set(other, token);
    }
  });

  it('keeps the lines that kernel.ts finds', () => {
    const line = /^(?:const \w+ = \d+u;|alias \w+ = f32;|override \w+: \w+;)/gm;
    expect([...(code.match(line) ?? [])].sort()).toEqual([...(source.match(line) ?? [])].sort());
  });

  it('cannot be made smaller still', () => expect(minifiedWgsl(code)).toBe(code));

  it('does not depend on space and comments', () => {
    const tokens = wgslTokens(source);
    const gap = fc.constantFrom(' ', '\n', '\t ', ' // a = b + c; }\n', ' /* fn f() { /* nested */ */', ' /**/ ');
    const gaps = fc.array(gap, { minLength: tokens.length, maxLength: tokens.length });
    const spaced = gaps.map((between) => tokens.map((token, i) => token + between[i]).join(''));
    fc.assert(
      fc.property(spaced, (text) => minifiedWgsl(text) === code),
      { numRuns: 5, endOnFailure: true },
    );
  });
});

describe('minifiedWgsl', () => {
  it('renames what only the file names, and nothing else', () => {
    const code = minifiedWgsl(`
      struct Pair { first: f32, sum: f32 }
      override SCALE: f32; const WIDTH = 4u; // kept
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      var<workgroup> shared_values: array<f32, WIDTH>;
      fn scaled(value: f32, first: f32) -> f32 { let sum = value * SCALE; return sum - -first; }
      @compute @workgroup_size(WIDTH)
      fn kernel(@builtin(local_invocation_index) local_invocation_index: u32) {
        var pair = Pair(x[local_invocation_index], 1.5e-3);
        shared_values[local_invocation_index] = scaled(pair.first, pair.sum);
        y[0] = shared_values[0];
      }`);
    expect(code).toBe(
      'struct Pair{first:f32,sum:f32}\noverride SCALE: f32;\nconst WIDTH = 4u;\n@group(0)@binding(0)var<storage,read> x:array<f32>;' +
        '@group(0)@binding(1)var<storage,read_write> y:array<f32>;var<workgroup> a:array<f32,WIDTH>;' +
        'fn b(c:f32,first:f32)->f32{let sum=c*SCALE;return sum- -first;}@compute@workgroup_size(WIDTH)' +
        'fn kernel(@builtin(local_invocation_index)d:u32){var e=Pair(x[d],1.5e-3);a[d]=b(e.first,e.sum);y[0]=a[0];}',
    );
  });

  it('says so when a comment is not closed', () => expect(() => minifiedWgsl('fn f() {} /* /* */')).toThrow(SyntaxError));
});
