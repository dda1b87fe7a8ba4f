/** The tarball as a stranger gets it: installs, imports, bundles, has types, and opens a GPU in a browser. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../tools/root.ts';
import { useBrowser } from '../browser.ts';
import { BUNDLERS, bundleApp, type Consumer, install, run, textOf } from './consumer.ts';

const open = useBrowser();
let consumer: Consumer;
beforeAll(async () => {
  consumer = await install();
});
afterAll(() => rmSync(consumer.folder, { recursive: true, force: true }));

const installed = (...path: string[]) => join(consumer.folder, 'node_modules', 'facexformer-webgpu', ...path);

describe('the tarball', () => {
  it('holds what is to be used, and nothing else', () => {
    const { files } = consumer;
    for (const file of [
      'package.json',
      'LICENSE',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/draw.js',
      'dist/draw.d.ts',
      'dist/video.js',
      'dist/video.d.ts',
      'dist/faces.js',
      'dist/faces.d.ts',
      'dist/worker.js',
      'dist/standalone.js',
    ])
      expect(files).toContain(file);
    const others = files.filter(
      (file) =>
        !/^(package\.json|(weights\/)?README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|docs\/(annotate|backbones|evaluate|guides|guides\/\w+|law|results|tuning)\.md|docs\/head-pose\.svg|weights\/[\w-]+\.json|dist\/.+\.(js|d\.ts)|dist\/integrity\.json|dist\/cli\.mjs|dist\/cli-licences\.txt|dist\/mtcnn\.(LICENSE|safetensors))$/.test(
          file,
        ),
    );
    expect(others).toEqual([]);
  });

  it('depends on nothing', () => {
    const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(textOf(installed('package.json')));
    expect({ dependencies, peerDependencies, optionalDependencies }).toEqual({});
    expect(readdirSync(join(consumer.folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['facexformer-webgpu']);
  });

  it('pleases publint', async () => {
    const { messages } = await publint({ pkgDir: installed(), strict: true });
    expect(messages).toEqual([]);
  });
});

describe('imported in Node', () => {
  it('touches no global, starts nothing, and refuses with its own error where there is no WebGPU', async () => {
    const script = `
      const before = Reflect.ownKeys(globalThis).length;
      const log = [];
      for (const name of ['fetch', 'setTimeout', 'setInterval', 'queueMicrotask']) {
        const real = globalThis[name];
        globalThis[name] = (...args) => { log.push(name); return real(...args); };
      }
      const { FaceXFormer, FaceXFormerError } = await import('facexformer-webgpu');
      await import('facexformer-webgpu/draw');
      const touched = Reflect.ownKeys(globalThis).length - before;
      const started = [...log];
      const error = await FaceXFormer.load({ weights: new Uint8Array(8) }).catch((error) => error);
      console.log(JSON.stringify({ touched, started, code: error.code, ours: error instanceof FaceXFormerError }));`;
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: consumer.folder,
      timeout: 20_000,
    });
    expect(JSON.parse(stdout)).toEqual({ touched: 0, started: [], code: 'WEBGPU_UNAVAILABLE', ours: true });
    expect(stderr).toBe('');
  });
});

describe('bundled', () => {
  it.for(BUNDLERS)('by %s, it has the shaders inside, and opens a GPU in a browser', async (bundler) => {
    const file = await bundleApp(consumer, bundler);
    const scripts = readdirSync(dirname(file)).map((name) => textOf(join(dirname(file), name))); // bundlers make chunks
    expect(scripts.join('').match(/@compute/g)?.length).toBeGreaterThan(10);
    const app = await import(/* @vite-ignore */ pathToFileURL(file).href);
    expect({ ages: app.ages, draws: app.draws }).toEqual({ ages: 8, draws: 'function' });
    expect(await app.refusal(new Uint8Array(8))).toBe('WEBGPU_UNAVAILABLE');
    const page = await open(
      `const address = '/app.mjs'; export const refusal = async (bytes: number[]) => (await import(address)).refusal(new Uint8Array(bytes));`,
      Object.fromEntries(readdirSync(dirname(file)).map((name) => [`/${name}`, { file: join(dirname(file), name) }])), // chunks too
    );
    expect(await page.call('refusal', [1, 2, 3])).toBe('BAD_WEIGHTS_FILE');
    expect(page.complaints).toEqual([]);
    await page.close();
  });
});

describe('its types', () => {
  const app = `
import { AGES, type Analysis, type Face, FaceXFormer, FaceXFormerError, type Task } from 'facexformer-webgpu';
import { drawFaces } from 'facexformer-webgpu/draw';

export async function ages(picture: Blob, ctx: CanvasRenderingContext2D, signal: AbortSignal): Promise<number[]> {
  const tasks: Task[] = ['age', 'landmarks'];
  const engine = await FaceXFormer.load({ weights: new URL('https://example.org/facexformer.safetensors'), tasks, signal });
  const { faces, width }: Analysis = await engine.analyze(picture, { box: { x0: 0, y0: 0, x1: 9, y1: 9 } });
  drawFaces(ctx, faces);
  const label: (typeof AGES)[number] | undefined = faces[0]?.age?.label;
  return faces.map((face: Face) => (label === undefined ? width : (face.age?.years ?? 0)));
}

export const isLost = (error: unknown): boolean => error instanceof FaceXFormerError && error.code === 'DEVICE_LOST';
// @ts-expect-error no such task
export const wrongTask: Task = 'beauty';
// @ts-expect-error no such code
export const wrongCode = (error: FaceXFormerError): boolean => error.code === 'OOPS';
`;

  it.for([
    ['Bundler', 'ESNext'],
    ['NodeNext', 'NodeNext'],
  ])('check under moduleResolution %s', async ([moduleResolution, module]) => {
    writeFileSync(join(consumer.folder, 'app.ts'), app);
    const compilerOptions = { strict: true, noEmit: true, target: 'ES2022', lib: ['ES2023', 'DOM'], module, moduleResolution, types: [] };
    writeFileSync(join(consumer.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const said = await run(process.execPath, [tsc, '-p', consumer.folder]).catch((error: { stdout: string }) => error);
    expect(said.stdout).toBe('');
  });
});
