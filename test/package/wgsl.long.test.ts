/// <reference types="vite/types/importMeta.d.ts" />
/** What the build makes of the shaders: the same programs without comments and space. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { defineKernel, specialise } from '../../src/kernels/kernel.ts';
import { unrolled } from '../../src/kernels/unroll.ts';
import { minifiedWgsl, packagedWgsl, wgslTokens } from '../../tools/wgsl.mjs';

const files = import.meta.glob<string>('../../src/kernels/**/*.wgsl', { eager: true, import: 'default' });
const kernels = Object.entries(files).map(([path, text]) => [path.replace('../../src/kernels/', ''), text] as const);

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

describe.for(kernels)('%s, minified', ([, source]) => {
  const code = minifiedWgsl(source);

  it('has the same entry point, overrides and bindings', () => expect(face(code)).toEqual(face(source)));

  it('is the same tokens', () => expect(wgslTokens(code)).toEqual(wgslTokens(source)));

  it('keeps what kernel.ts finds by name, and takes other values for it', () => {
    const machine = [...source.matchAll(/^(?:const (\w+) = \d+u|alias (\w+) = f32);/gm)];
    const overrides = [...source.matchAll(/^override (\w+): \w+;/gm)].map(([, name]) => [name as string, 3]);
    const other = Object.fromEntries(machine.map(([, number, type]) => (number ? [number, 77] : [type, 'f16'])));
    const made = (wgsl: string) => specialise({ name: 'any', wgsl }, { machine: other, constants: Object.fromEntries(overrides) });
    expect(minifiedWgsl(made(code).replace('enable f16;', ''))).toBe(minifiedWgsl(made(source).replace('enable f16;', '')));
    expect(made(code).match(/\b77u\b/g)?.length ?? 0).toBe(machine.filter(([, number]) => number).length);
    expect(made(code)).not.toMatch(/\boverride\b/);
  });

  it.each(['marked', 'all'] as const)('has the same loops written out: %s', (which) => {
    expect(minifiedWgsl(unrolled(code, which))).toBe(minifiedWgsl(unrolled(source, which)));
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

describe.for(kernels)('%s, as the package has it', ([, source]) => {
  const code = packagedWgsl(source);

  it('has the same entry point, overrides and bindings', () => expect(face(code)).toEqual(face(source)));

  it('has other names for what is a function’s own, each for one, and none that meant something', () => {
    const [was, is] = [wgslTokens(source), wgslTokens(code)];
    expect(is.length).toBe(was.length);
    const functions = [...was.keys()].filter((i) => was[i] === 'fn');
    const own = new Map<string, string>();
    for (const [i, token] of was.entries()) {
      if (i === 0 || functions.includes(i)) own.clear();
      const name = is[i] as string;
      if (was[i - 1] === '.') expect(name).toBe(token);
      else if (own.has(token) || name !== token) {
        if (name !== token) expect(was).not.toContain(name);
        expect(own.get(token) ?? name).toBe(name);
        own.set(token, name);
      }
    }
  });

  it.each(['marked', 'all'] as const)('has the same loops written out: %s', (which) => {
    expect(wgslTokens(unrolled(code, which)).length).toBe(wgslTokens(unrolled(source, which)).length);
  });
});

describe('packagedWgsl', () => {
  it('shortens what a function declares, and leaves what others may mean', () => {
    expect(
      packagedWgsl('var<private> total: f32; fn sum(value: f32) -> f32 { let twice = value + value; return twice + total + many.value; }'),
    ).toBe('var<private>total:f32;fn sum(a:f32)->f32{let b=a+a;return b+total+many.value;}');
  });

  it('leaves a name that means another file’s before, or behind its block', () => {
    const before = 'fn f(){let place=place(1u);return place;}';
    expect(packagedWgsl(before)).toBe(before);
    const behind = 'fn f(){if(true){let total=1u;}return total;}';
    expect(packagedWgsl(behind)).toBe(behind);
    expect(packagedWgsl('fn f(){for(var index=0u;index<4u;index++){g(index);}}')).toBe('fn f(){for(var a=0u;a<4u;a++){g(a);}}');
  });

  it('takes no name that the text has', () => {
    expect(packagedWgsl('fn f(value:u32){return a+b[value].c;}')).toBe('fn f(d:u32){return a+b[d].c;}');
  });
});

describe('minifiedWgsl', () => {
  it('leaves words and numbers as they are, and signs apart that would be another sign', () => {
    const code = minifiedWgsl(`
      override SCALE: f32; const WIDTH = 4u; // a comment
      fn scaled(value: f32, first: f32) -> f32 { let sum = value * SCALE; /* another */ return sum - -first; }`);
    expect(code).toBe('override SCALE:f32;const WIDTH=4u;fn scaled(value:f32,first:f32)->f32{let sum=value*SCALE;return sum- -first;}');
  });

  it('keeps the marks of loops', () => {
    const code = minifiedWgsl('for (;;) { // unroll: sums\n x; }\nfor (;;) { // nounroll\n x; } // unrolled');
    expect(code).toBe('for(;;){/*unroll*/x;}for(;;){/*nounroll*/x;}');
  });

  it('says so when a comment is not closed', () => expect(() => minifiedWgsl('fn f() {} /* /* */')).toThrow(SyntaxError));
});
