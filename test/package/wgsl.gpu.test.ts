/// <reference types="vite/types/importMeta.d.ts" />
/** The shaders as the package ships them, compiled by a browser: the pipelines that the kernels' cases ask for, one of each kernel. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packagedWgsl } from '../../tools/wgsl.mjs';
import { type OpenPage, useBrowser } from '../browser.ts';
import { type AskedPipeline, pipelinesAskedBy } from '../kernels/launches.ts';
import type { KernelCase } from '../kernels/run.ts';

vi.stubGlobal('GPUTextureUsage', { COPY_SRC: 1, COPY_DST: 2, TEXTURE_BINDING: 4, STORAGE_BINDING: 8, RENDER_ATTACHMENT: 16 });
vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 });

const files = import.meta.glob<{ cases: KernelCase[] }>('../kernels/*.cases.ts', { eager: true });
const asked = new Map<string, AskedPipeline>();
// This browser's adapter has no float16, and needs none: every kernel has a form without.
for (const pipeline of await pipelinesAskedBy(Object.values(files).flatMap(({ cases }) => cases)))
  if (!asked.has(pipeline.kernel) && !pipeline.code.startsWith('enable f16')) asked.set(pipeline.kernel, pipeline);

const open = useBrowser();
let page: OpenPage;
beforeAll(async () => {
  page = await open(`
    let device: Promise<GPUDevice>;
    async function made(): Promise<GPUDevice> {
      const adapter = (await navigator.gpu.requestAdapter()) as GPUAdapter;
      const requiredFeatures = (['subgroups'] as const).filter((feature) => adapter.features.has(feature));
      return adapter.requestDevice({ requiredFeatures });
    }
    export async function compiled(code: string, entryPoint: string, constants: Record<string, number>): Promise<string> {
      device ??= made();
      const module = (await device).createShaderModule({ code });
      return (await device).createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint, constants } }).then(
        () => 'compiled',
        (error) => String(error),
      );
    }`);
});
afterAll(() => page?.close());

describe('as the package has it', () => {
  it.for([...asked.keys()])('%s compiles', async (kernel) => {
    const { code, constants } = asked.get(kernel) as AskedPipeline;
    expect(await page.call('compiled', packagedWgsl(code), kernel, constants)).toBe('compiled');
    expect(page.complaints).toEqual([]);
  });
});
