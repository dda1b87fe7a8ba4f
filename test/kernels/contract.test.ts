/// <reference types="vite/types/importMeta.d.ts" />
/** What every kernel must keep to (src/kernels/README.md), checked without a GPU. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { type Kernel, specialise, withMachine } from '../../src/kernels/kernel.ts';
import { l2Normalise } from '../../src/kernels/l2Normalise.ts';
import { layerNorm } from '../../src/kernels/layerNorm.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { squeeze } from '../../src/kernels/squeeze.ts';
import { tokenUpdate } from '../../src/kernels/tokenUpdate.ts';
import { unrolled } from '../../src/kernels/unroll.ts';
import { windowAttentionDirect } from '../../src/kernels/windowAttention/windowAttentionDirect.ts';
import { type AskedPipeline, pipelinesAskedBy } from './launches.ts';
import type { KernelCase } from './run.ts';

const folder = new URL('../../src/kernels/', import.meta.url);
const texts = import.meta.glob<string>('../../src/kernels/**/*.wgsl', { eager: true, import: 'default' });
const pathOf = (path: string): string => path.slice('../../src/kernels/'.length, -'.wgsl'.length);
/** Paths below src/kernels, without the ending: what kernels share is no kernel. */
const kernels = Object.keys(texts)
  .map(pathOf)
  .filter((path) => !path.startsWith('parts/'));
const parts = Object.keys(texts)
  .map(pathOf)
  .filter((path) => path.startsWith('parts/'));
const textOf = (path: string): string => texts[`../../src/kernels/${path}.wgsl`] as string;
const [rows = '', figures = ''] = readFileSync(new URL('README.md', folder), 'utf8').split('## How close');

vi.stubGlobal('GPUTextureUsage', { COPY_SRC: 1, COPY_DST: 2, TEXTURE_BINDING: 4, STORAGE_BINDING: 8, RENDER_ATTACHMENT: 16 });
vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 });

const files = import.meta.glob<{ cases: KernelCase[] }>('./*.cases.ts', { eager: true });
const modules = import.meta.glob<Record<string, Kernel<never>>>('../../src/kernels/**/*.ts', { eager: true });

const asked = new Map<string, AskedPipeline[]>();
for (const pipeline of await pipelinesAskedBy(Object.values(files).flatMap(({ cases }) => cases)))
  asked.set(pipeline.kernel, [...(asked.get(pipeline.kernel) ?? []), pipeline]);

/** `override NAME: type;` and `override NAME: type = value;`, the two forms that a kernel may use. */
const OVERRIDE = /^override (\w+): \w+( = [^;]+)?;/gm;

const kernelOf = (path: string): Kernel<never> | undefined => modules[`../../src/kernels/${path}.ts`]?.[path.split('/').at(-1) as string];

/** Where an array that a function declares is indexed by a variable, or by the counter of a loop that stands. */
function indexedAtRunTime(wgsl: string): string[] {
  const text = wgsl.replace(/\/\/.*/g, '');
  const constants = new Set(['min', ...[...text.matchAll(/\b(?:const|override) (\w+)/g)].map(([, name]) => name)]);
  const arrays = new Set([...text.matchAll(/\bvar (\w+)(?: ?= ?|: ?)array</g)].map(([, name]) => name));
  const places = (part: string, isVariable: (name: string) => boolean): string[] =>
    [...part.matchAll(/\b(\w+)\[([^\]]*)/g)]
      .filter(([, array, index = '']) => arrays.has(array) && (index.match(/\b[a-z_]\w*/gi) ?? []).some(isVariable))
      .map(([place]) => place);
  const inLoops = [...text.matchAll(/\bfor ?\(var (\w+)[^{]*\{/g)].flatMap(({ 0: head, 1: counter, index }) => {
    const body = blockAt(text, index + head.length);
    return new RegExp(`\\bconst ${counter}\\b`).test(body) ? [] : places(body, (name) => name === counter);
  });
  return [...places(text, (name) => !constants.has(name)), ...inLoops];
}

/** What stands in the block that begins before `start`. */
function blockAt(text: string, start: number): string {
  let depth = 1;
  let end = start;
  while (depth > 0) depth += { '{': 1, '}': -1 }[text[end++] as string] ?? 0;
  return text.slice(start, end);
}

describe.for(kernels)('%s', (path) => {
  const name = path.split('/').at(-1) as string;
  const kernel = kernelOf(path);
  const source = kernel?.wgsl ?? textOf(path);
  const reflected = new WgslReflect(source);
  const overrides = [...source.matchAll(OVERRIDE)].map(([, override = '', byDefault]) => ({ override, required: byDefault === undefined }));

  it('is one compute entry point of the same name', () => {
    expect(reflected.entry.compute.map((entry) => entry.name)).toEqual([name]);
    expect([...reflected.entry.vertex, ...reflected.entry.fragment]).toEqual([]);
  });

  it('has a kernel of the same name beside it, which begins with the file, with its bindings', () => {
    expect(kernel?.name).toBe(name);
    expect(kernel?.wgsl.startsWith(textOf(path))).toBe(true);
    expect(kernel?.bindings.map((binding) => binding.name)).toEqual(reflected.getBindGroups()[0]?.map((binding) => binding?.name));
  });

  it('says what it has to give, for the self-test, where a network runs it', () => {
    expect(!!kernel?.answer).toBe(!/^(resize|averageCrops|convPrelu|proposals|stamp|lost)$/.test(name));
  });

  // Kernels of CPUs load in loops: there memory is what registers are, and what is written out takes long to compile.
  it('indexes no array of a thread at run time, where loops are written out, unless it is of CPUs: the array would lie in memory', () => {
    const places = (asked.get(name) ?? []).flatMap(({ code }) => indexedAtRunTime(unrolled(code)));
    if (/(Direct|Subgroup)$/.test(name)) expect(places).not.toEqual([]);
    else expect(places).toEqual([]);
  });

  it('binds 0 to n-1, reads all but the last, which is y, and uses every one', () => {
    const groups = reflected.getBindGroups();
    expect(groups.length).toBe(1);
    const bindings = groups[0] ?? [];
    expect(bindings.map((binding) => binding?.binding)).toEqual(bindings.map((_, index) => index));
    expect(bindings.map((binding) => binding?.access)).toEqual([...bindings.slice(1).map(() => 'read'), 'read_write']);
    expect(bindings.at(-1)?.name).toBe('y');
    expect(bindings.length).toBeLessThanOrEqual(8);
    const used = reflected.entry.compute[0]?.resources.map((resource) => resource.name).sort();
    expect(used).toEqual(bindings.map((binding) => binding?.name).sort());
  });

  it('gets every constant that it needs and none that it does not know, in each of its cases', () => {
    expect(overrides.map(({ override }) => override).sort()).toEqual(reflected.overrides.map((override) => override.name).sort());
    const pipelines = asked.get(name) ?? [];
    expect(pipelines.length, 'no case in test/kernels runs it').toBeGreaterThan(0);
    const known = overrides.map(({ override }) => override);
    const required = overrides.filter((one) => one.required).map(({ override }) => override);
    for (const { constants } of pipelines) {
      expect(known).toEqual(expect.arrayContaining(Object.keys(constants)));
      expect(Object.keys(constants)).toEqual(expect.arrayContaining(required));
      for (const value of Object.values(constants)) expect(Number.isFinite(Number(value))).toBe(true);
    }
  });

  it('is joined of whole files, each once, and declares nothing twice', () => {
    const joined = parts.filter((part) => source.includes(textOf(part)));
    const lines = (text: string): number => text.split('\n').length;
    expect(lines(source)).toBe([path, ...joined].map((file) => lines(textOf(file))).reduce((sum, n) => sum + n));
    const declared = [...source.matchAll(/^(?:fn|struct|alias|const|override) (\w+)|^(?:@group.*)?var(?:<[^>]*>)? (\w+)/gm)].map(
      (found) => found[1] ?? found[2],
    );
    expect(declared.filter((one, i) => declared.indexOf(one) !== i)).toEqual([]);
  });
});

it('there are kernels to check', () => expect(kernels.length).toBeGreaterThan(0));

it.each([
  ['what it does', rows, /^\| `(\w+)`/gm],
  ['how close it is', figures, /(?<=^\|.*)`(\w+)`/gm],
])('the README tells of every kernel %s, and of no other', (_, text, named) => {
  const names = [...text.matchAll(named)].map(([, name]) => name);
  expect(names.toSorted()).toEqual(kernels.map((path) => path.split('/').at(-1)).toSorted());
});

it.for(parts)('%s is part of a kernel', (part) => {
  expect(kernels.filter((path) => kernelOf(path)?.wgsl.includes(textOf(part))).length).toBeGreaterThan(0);
});

const update = { tokens: 1, source: { kind: 'shares', shares: 1 }, cols: 0, eps: 1 } as const;

it.each<[string, () => unknown, RegExp]>([
  ['more workgroups than a dimension has by default', () => l2Normalise.launch({ images: 65_536, length: 4 }), /65536 x 1 x 1/],
  ['a part of a workgroup', () => squeeze.launch({ pixels: 49, channels: 24, hidden: 8 }), /1.5 x 1 x 1/],
  ['no workgroup', () => l2Normalise.launch({ images: 0, length: 4 }), /0 x 1 x 1/],
  ['a row that is no whole steps', () => matmul.launch({ rows: 1, inner: 24, cols: 4 }), /no tile of 32 x 64/],
  ['a stream that is no whole tiles', () => layerNorm.launch({ rows: 1, inner: 96, eps: 1 }), /a stream of 96 channels/],
  [
    'shares of products with a weight each',
    () => matmul.launch({ rows: 2, inner: 64, cols: 64, shares: 2, weightEach: true }),
    /one weight/,
  ],
  ['more tokens than a workgroup has room for', () => tokenUpdate.launch({ ...update, tokens: 113 }), /113 x 0/],
  ['more columns than it has sums for', () => tokenUpdate.launch({ ...update, cols: 1028 }), /1 x 1028/],
  ['shares where they are not summed', () => windowAttentionDirect.launch({ side: 7, heads: 1, shift: 0, shares: 2 }), /2 shares/],
  ['a machine shape that the file lacks', () => withMachine(l2Normalise, { ROWS: 4 }), /no line for ROWS/],
  ['a constant without a value', () => specialise(l2Normalise, { constants: {} }), /no value for LENGTH/],
])('refuses %s', (_, launch, message) => expect(launch).toThrow(message));
