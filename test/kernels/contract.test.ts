/// <reference types="vite/types/importMeta.d.ts" />
/** What every kernel must keep to (src/kernels/README.md), checked without a GPU. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { type AskedPipeline, pipelinesAskedBy } from './launches.ts';
import type { KernelCase } from './run.ts';

const folder = new URL('../../src/kernels/', import.meta.url);
const kernels = readdirSync(folder)
  .filter((file) => file.endsWith('.wgsl'))
  .map((file) => file.slice(0, -'.wgsl'.length));
const table = existsSync(new URL('README.md', folder)) ? readFileSync(new URL('README.md', folder), 'utf8') : '';

vi.stubGlobal('GPUTextureUsage', { COPY_SRC: 1, COPY_DST: 2, TEXTURE_BINDING: 4, STORAGE_BINDING: 8, RENDER_ATTACHMENT: 16 });
vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 });

const files = import.meta.glob<{ cases: KernelCase[] }>('./*.cases.ts', { eager: true });
const modules = import.meta.glob<Record<string, Kernel<never>>>('../../src/kernels/*.ts', { eager: true });

const asked = new Map<string, AskedPipeline[]>();
for (const pipeline of await pipelinesAskedBy(Object.values(files).flatMap(({ cases }) => cases)))
  asked.set(pipeline.kernel, [...(asked.get(pipeline.kernel) ?? []), pipeline]);

/** `override NAME: type;` and `override NAME: type = value;`, the two forms that a kernel may use. */
const OVERRIDE = /^override (\w+): \w+( = [^;]+)?;/gm;

describe.for(kernels)('%s', (name) => {
  const source = readFileSync(new URL(`${name}.wgsl`, folder), 'utf8');
  const reflected = new WgslReflect(source);
  const overrides = [...source.matchAll(OVERRIDE)].map(([, override = '', byDefault]) => ({ override, required: byDefault === undefined }));

  it('is one compute entry point of the same name', () => {
    expect(reflected.entry.compute.map((entry) => entry.name)).toEqual([name]);
    expect([...reflected.entry.vertex, ...reflected.entry.fragment]).toEqual([]);
    expect(source.split('\n').length).toBeLessThanOrEqual(151);
  });

  it('has a kernel of the same name beside it, with the bindings of the file', () => {
    const kernel = modules[`../../src/kernels/${name}.ts`]?.[name];
    expect(kernel?.name).toBe(name);
    expect(kernel?.wgsl).toBe(source);
    expect(kernel?.bindings.map((binding) => binding.name)).toEqual(reflected.getBindGroups()[0]?.map((binding) => binding?.name));
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

  it('has its row in the table', () => {
    expect(table).toMatch(new RegExp(`^\\|[^|]*\`${name}\``, 'm'));
  });
});

/** Functions that several files have to have, as a file stands by itself: what is mended in one is mended in all. */
const SHARED = [
  { files: ['matmul', 'matmulRegisters', 'matmulShuffle'], functions: ['yRow', 'source', 'momentsOf', 'gelu', 'store'] },
  { files: ['conv', 'convRegisters'], functions: ['mapOf', 'finer'] },
  { files: ['windowAttention', 'windowAttentionScores'], functions: ['position', 'around'] },
];

describe.for(SHARED)('$files', ({ files: alike, functions }) => {
  it.for(functions)('have the same %s', (name) => {
    const texts = alike.map((file) => {
      const source = readFileSync(new URL(`${file}.wgsl`, folder), 'utf8');
      return new RegExp(`^fn ${name}\\((?:.*\\}$|[^]*?^\\}$)`, 'm').exec(source)?.[0];
    });
    expect(texts[0]).toContain(`fn ${name}(`);
    for (const text of texts) expect(text).toBe(texts[0]);
  });
});

it('there are kernels to check', () => expect(kernels.length).toBeGreaterThan(0));
