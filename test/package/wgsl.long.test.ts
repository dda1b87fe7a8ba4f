/** What the build makes of the shaders: the same programs in fewer letters. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { tensorsOf } from '../../src/checkpoint/manifest.ts';
import { cpuKernels } from '../../src/kernels/cpu.ts';
import { defineKernel, specialise, withMachine } from '../../src/kernels/kernel.ts';
import { adrenoKernels, appleKernels, intelKernels, maliKernels, softwareKernels } from '../../src/kernels/registers.ts';
import { gpuKernels } from '../../src/kernels/set.ts';
import { unrolled } from '../../src/kernels/unroll.ts';
import { readConfig } from '../../src/model/forms.ts';
import { fused } from '../../src/model/fused/fused.ts';
import { network } from '../../src/model/network.ts';
import { plain } from '../../src/model/plain/plain.ts';
import { alternativesTo } from '../../src/tune/candidates.ts';
import { minifiedWgsl, packagedWgsl, wgslTokens } from '../../tools/wgsl.mjs';

const folder = new URL('../../src/kernels/', import.meta.url);
const kernels = readdirSync(folder).filter((file) => file.endsWith('.wgsl'));
const sourceOf = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

const packaged = new Map<string, Promise<string>>();
function packagedOf(kernel: string): Promise<string> {
  const text = packaged.get(kernel) ?? packagedWgsl(fileURLToPath(new URL(`${kernel}.wgsl`, folder)));
  packaged.set(kernel, text);
  return text;
}

const mapped = <From, To>(from: Record<string, From>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, to(value)]));

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

/** For each token the function, by its place, whose parameters or body it is in; undefined for the module's own. */
function functionsOf(tokens: string[]): (number | undefined)[] {
  let [depth, current]: [number, number | undefined] = [0, undefined];
  return tokens.map((token, i) => {
    if (tokens[i - 2] === 'fn') current = i;
    const within = current;
    if (token === '{') depth++;
    if (token === '}' && --depth === 0) current = undefined;
    return within;
  });
}

describe.for(kernels)('%s, minified', (file) => {
  const source = sourceOf(file);
  const code = minifiedWgsl(source);

  it('has the same entry point, overrides and bindings', () => expect(face(code)).toEqual(face(source)));

  it('is the same tokens, but for zeros and names, each of which became one other wherever it is seen', () => {
    const [before, after] = [wgslTokens(source), wgslTokens(code)];
    expect(after.length).toBe(before.length);
    const functionOf = functionsOf(before);
    expect(functionsOf(after)).toEqual(functionOf);
    const [there, back] = [new Map<string, string>(), new Map<string, string>()];
    const inModule: [typeof there, typeof back] = [there, back];
    /** The module's names first: they are seen in every function. */
    const functions = [undefined, ...new Set(functionOf.filter((name) => name !== undefined))];
    for (const current of functions) {
      const [to, from] = current === undefined ? inModule : inModule.map((names) => new Map(names));
      for (const [i, token] of before.entries()) {
        if (functionOf[i] !== current) continue;
        const other = after[i] as string;
        if (/^\d+\.\d+$/.test(token)) {
          expect([other, Number(other)]).toEqual([expect.stringContaining('.'), Number(token)]);
          continue;
        }
        if (/^\d+u$/.test(token)) {
          expect([token, token.slice(0, -1)]).toContain(other);
          continue;
        }
        const renamed = other !== token;
        if (renamed) expect([/^[A-Za-z_]\w*$/.test(token), before[i - 1] !== '.', before[i - 1] !== '@']).toEqual([true, true, true]);
        // Members and attributes keep names that variables may lose.
        if (!renamed && (before[i - 1] === '.' || before[i - 1] === '@' || before[i - 2] === 'builtin')) continue;
        expect(to?.get(token) ?? other, token).toBe(other);
        expect(from?.get(other) ?? token, other).toBe(token);
        to?.set(token, other);
        from?.set(other, token);
      }
    }
  });

  it('keeps what kernel.ts finds by name, and takes other values for it', () => {
    const machine = [...source.matchAll(/^(?:const (\w+) = \d+u|alias (\w+) = f32);/gm)];
    const overrides = [...source.matchAll(/^override (\w+): \w+;/gm)].map(([, name]) => [name as string, 3]);
    const other = Object.fromEntries(machine.map(([, number, type]) => (number ? [number, 77] : [type, 'f16'])));
    const made = (wgsl: string) => specialise({ name: 'any', wgsl }, { machine: other, constants: Object.fromEntries(overrides) });
    expect(minifiedWgsl(made(code).replace('enable f16;', ''))).toBe(minifiedWgsl(made(source).replace('enable f16;', '')));
    expect(made(code).match(/\b77u\b/g)?.length ?? 0).toBe(machine.filter(([, number]) => number).length);
    expect(made(code)).not.toMatch(/\boverride\b/);
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

describe('the package has every constant that is asked for', () => {
  const config = { released: readConfig(tensorsOf('released')), paper: readConfig(tensorsOf('paper')) };
  const lowerings = {
    plain: plain(cpuKernels),
    ...mapped({ gpuKernels, appleKernels, intelKernels, adrenoKernels, maliKernels, softwareKernels }, fused),
  };

  it.for(Object.entries(lowerings))('%s', async ([, lowering]) => {
    const launched = (['released', 'paper'] as const).flatMap((form) =>
      (lowering.float16 ? (['f32', 'f16'] as const) : (['f32'] as const)).flatMap((dtype) => {
        const { nodes } = network(config[form], { lowering, dtype });
        return [...nodes, ...nodes.flatMap((node) => alternativesTo(node, 32)?.candidates ?? [])];
      }),
    );
    const distinct = new Map(launched.map((one) => [`${one.kernel.name} ${JSON.stringify(one.launch.machine)}`, one]));
    for (const { kernel, launch } of distinct.values()) {
      const made = [await packagedOf(kernel.name), kernel.wgsl].map((wgsl) => withMachine({ name: kernel.name, wgsl }, launch.machine));
      for (const text of [made, made.map(unrolled)]) {
        const [ours, theirs] = text.map((wgsl) => minifiedWgsl(wgsl, () => false));
        expect(ours).toBe(theirs); // as it is, and with loops written out: no short name is taken for a size
      }
    }
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
      'struct Z{first:f32,sum:f32}override SCALE:f32;const WIDTH=4u;@group(0)@binding(0)var<storage,read>x:array<f32>;' +
        '@group(0)@binding(1)var<storage,read_write>y:array<f32>;var<workgroup>Y:array<f32,WIDTH>;' +
        'fn X(e:f32,first:f32)->f32{let sum=e*SCALE;return sum- -first;}@compute@workgroup_size(WIDTH)' +
        'fn kernel(@builtin(local_invocation_index)e:u32){var t=Z(x[e],1.5e-3);Y[e]=X(t.first,t.sum);y[0]=Y[0];}',
    );
  });

  it('lets a local that bears the name of something of the module keep company with it', () => {
    const code = minifiedWgsl(
      'const HALF = 0.50; fn half(x: f32) -> f32 { return HALF * x; } fn f(half: f32, b: f32) -> f32 { let x = half; return x + 10.0; }',
    );
    expect(code).toBe('const Z=.5;fn Y(e:f32)->f32{return Z*e;}fn X(Y:f32,e:f32)->f32{let t=Y;return t+10.;}');
  });

  it('takes the suffix off a number that gets its type from what stands beside it', () => {
    const code = minifiedWgsl(
      'fn f(i: u32) -> u32 { var s = 0u; s += 4u; s = i * 4u + 2u * 3u; let a = array<u32, 4u>(1u, 2u << i, i << 3u, 5u - i); return a[0u]; }',
    );
    expect(code).toBe('fn Z(e:u32)->u32{var t=0u;t+=4;t=e*4+2u*3u;let a=array<u32,4u>(1u,2u<<e,e<<3,5-e);return a[0];}');
  });

  it('says so when a comment is not closed', () => expect(() => minifiedWgsl('fn f() {} /* /* */')).toThrow(SyntaxError));
});
