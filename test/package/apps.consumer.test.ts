/** Apps as strangers write them: the tarball installed, built by today's bundlers, served under a strict policy, and run in Chrome. */
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build as esbuild } from 'esbuild';
import type { Browser } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import webpack from 'webpack';
import { launchBrowser } from '../../tools/browser/launch.ts';
import { root } from '../../tools/root.ts';
import { driverFile } from '../../tools/vulkan.mjs';
import { detections } from '../detect/detections.ts';
import { type Consumer, install, run } from './consumer.ts';
import { STRICT, site, type Visit, visit } from './site.ts';
import { installTools, toolFile } from './tools.ts';

let consumer: Consumer;
let browser: Browser;
beforeAll(async () => {
  [consumer] = await Promise.all([install(), installTools()]);
  browser = (await launchBrowser({ browser: 'chrome', adapter: 'software' }, () => {})).browser;
});
afterAll(async () => {
  await browser?.close();
  rmSync(consumer.folder, { recursive: true, force: true });
});

const installed = (...path: string[]) => join(consumer.folder, 'node_modules', 'facexformer-webgpu', ...path);

/** An app with a worker of its own, as bundlers document it, and with the package's, found by itself and given. */
const APP: Readonly<Record<string, string>> = {
  'index.html': '<!doctype html><html lang="en"><title>app</title><script type="module" src="./app.js"></script></html>',
  'app.js': `
import { FaceXFormerError, seededCheckpoint, tensorsOf } from 'facexformer-webgpu';
import { FaceXFormerError as RemoteError, mtcnn, RemoteFaceXFormer, RemoteMtcnn } from 'facexformer-webgpu/client';
const bytes = new Uint8Array([1, 2, 3]);
const own = new Worker(new URL('./face.worker.js', import.meta.url), { type: 'module' });
const given = new Worker(new URL('facexformer-webgpu/worker', import.meta.url), { type: 'module' });
const codeOf = (error) => (error instanceof RemoteError ? error.code : String(error));
globalThis.app = {
  own: () => new Promise((resolve) => {
    own.onmessage = ({ data }) => resolve(FaceXFormerError.from(data).code);
    own.onerror = (event) => resolve('failed: ' + event.message);
    own.postMessage(bytes);
  }),
  found: () => RemoteFaceXFormer.load({ weights: new Blob([bytes]) }).then(() => 'loaded', codeOf),
  given: () => RemoteFaceXFormer.load({ weights: new Blob([bytes]), worker: given }).then(() => 'loaded', codeOf),
  async faces() {
    const detector = await RemoteMtcnn.load({ worker: given });
    const blank = document.createElement('canvas');
    blank.getContext('2d').fillRect(0, 0, 9, 9);
    const faces = await detector.detect(blank);
    detector.dispose();
    return faces.length;
  },
  async analyse() {
    const phases = new Set();
    const load = () => RemoteFaceXFormer.load({
      weights: seededCheckpoint(tensorsOf('released')), tasks: ['gender', 'landmarks'], detector: mtcnn(), onProgress: ({ phase }) => phases.add(phase),
    });
    const engine = await load();
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 64;
    canvas.getContext('2d').fillRect(8, 8, 40, 40);
    const { faces } = await engine.analyze(canvas, { box: 'whole' });
    const aborted = await engine.analyze(canvas, { box: 'whole', signal: AbortSignal.abort() }).then(() => 'done', codeOf);
    const found = (await engine.analyze(canvas)).faces.length;
    engine.dispose();
    return { found, label: faces[0].gender.label, landmarks: faces[0].landmarks.length, phases: [...phases], aborted };
  },
};
`,
  'face.worker.js': `
import { FaceXFormer } from 'facexformer-webgpu';
self.onmessage = async ({ data }) => {
  try {
    await FaceXFormer.load({ weights: data });
  } catch (error) {
    self.postMessage(error.toJSON());
  }
};
`,
};

function writeApp(name: string): string {
  const folder = join(consumer.folder, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(APP)) writeFileSync(join(folder, file), text);
  return folder;
}

const withVite = (vite: string) => async (folder: string) => {
  await run(process.execPath, [vite, 'build', '--outDir', 'out', '--logLevel', 'warn'], { cwd: folder });
};

/** esbuild leaves `new URL` as it stands: workers are entries of their own, and the package's lies beside the app's script. */
async function withEsbuild(folder: string): Promise<void> {
  const app = join(folder, 'app.js');
  writeFileSync(app, readFileSync(app, 'utf8').replace('facexformer-webgpu/worker', './worker.js'));
  const entryPoints = [app, join(folder, 'face.worker.js')];
  await esbuild({ entryPoints, bundle: true, format: 'esm', outdir: join(folder, 'out'), logLevel: 'error' });
  for (const file of ['worker.js', 'mtcnn.safetensors']) copyFileSync(installed('dist', file), join(folder, 'out', file));
  copyFileSync(join(folder, 'index.html'), join(folder, 'out', 'index.html'));
}

const withWebpack = (open: () => Promise<typeof webpack>) => async (folder: string) => {
  const output = { path: join(folder, 'out'), filename: 'app.js' };
  const compiler = (await open())({ mode: 'production', context: folder, entry: './app.js', output, experiments: { outputModule: true } });
  const said = await new Promise<string>((resolve, reject) => {
    compiler?.run((error, stats) => (error ? reject(error) : resolve(stats?.toString({ all: false, errors: true }) ?? '')));
  });
  expect(said).toBe('');
  copyFileSync(join(folder, 'index.html'), join(folder, 'out', 'index.html'));
};

const BUNDLERS: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  'Vite 6': withVite(toolFile('vite6', 'bin', 'vite.js')),
  'Vite 7': withVite(toolFile('vite7', 'bin', 'vite.js')),
  'Vite 8': withVite(join(root, 'node_modules', 'vite', 'bin', 'vite.js')),
  'webpack 5': withWebpack(async () => webpack),
  Rspack: withWebpack(async () => (await import(pathToFileURL(toolFile('@rspack', 'core', 'dist', 'index.js')).href)).rspack),
  esbuild: withEsbuild,
};

async function during<T>(folder: string, policy: string | undefined, work: (opened: Visit) => Promise<T>): Promise<T> {
  const served = await site(folder, policy);
  try {
    const opened = await visit(browser, served.url);
    const result = await work(opened);
    expect(opened.complaints).toEqual([]);
    expect(opened.strangers).toEqual([]);
    await opened.page.close();
    return result;
  } finally {
    served.close();
  }
}

describe('under a strict policy', () => {
  it.for(Object.keys(BUNDLERS))("%s builds an app with workers, its own and the package's", async (name) => {
    const folder = writeApp(name.replace(' ', '-'));
    await BUNDLERS[name]?.(folder);
    await during(join(folder, 'out'), STRICT, async ({ page }) => {
      for (const kind of ['own', 'found', 'given']) expect(await page.evaluate(`app.${kind}()`), kind).toBe('BAD_WEIGHTS_FILE');
      expect(await page.evaluate('app.faces()')).toBe(0);
    });
  });

  it('an engine in a worker answers, and asks nobody else for anything', async () => {
    const folder = writeApp('answers');
    await withEsbuild(folder);
    const answer = await during(join(folder, 'out'), STRICT, ({ page }) => page.evaluate('app.analyse()'));
    expect(answer).toEqual({
      found: 0,
      label: expect.stringMatching(/^(fe)?male$/),
      landmarks: 68,
      phases: expect.arrayContaining(['device', 'pipelines', 'weights', 'ready']),
      aborted: 'ABORTED',
    });
  });
});

describe('without a bundler', () => {
  const hashes = () => JSON.parse(readFileSync(installed('dist', 'integrity.json'), 'utf8')) as Record<string, string>;

  it('an import map leads to the modules, and to the single file with its hash', async () => {
    const folder = join(consumer.folder, 'map');
    mkdirSync(folder);
    cpSync(installed('dist'), join(folder, 'dist'), { recursive: true });
    const imports = { 'facexformer-webgpu': '/dist/index.js', 'facexformer-webgpu/': '/dist/', single: '/dist/standalone.js' };
    const integrity = { '/dist/standalone.js': hashes()['standalone.js'] };
    writeFileSync(
      join(folder, 'index.html'),
      `<!doctype html><script type="importmap">${JSON.stringify({ imports, integrity })}</script>
<script type="module">
import { FaceXFormer } from 'facexformer-webgpu';
import { drawFaces } from 'facexformer-webgpu/draw.js';
import { RemoteFaceXFormer } from 'facexformer-webgpu/client.js';
import * as single from 'single';
const code = (error) => error.code;
const weights = new Uint8Array(3);
globalThis.app = {
  page: () => FaceXFormer.load({ weights }).catch(code),
  worker: () => RemoteFaceXFormer.load({ weights }).catch(code),
  single: () => single.FaceXFormer.load({ weights }).catch(code),
  draws: () => typeof drawFaces + typeof single.drawFaces,
};
</script>`,
    );
    await during(folder, undefined, async ({ page }) => {
      for (const kind of ['page', 'worker', 'single']) expect(await page.evaluate(`app.${kind}()`), kind).toBe('BAD_WEIGHTS_FILE');
      expect(await page.evaluate('app.draws()')).toBe('functionfunction');
    });
  });

  it('a browser that compares the hash refuses another file', async () => {
    for (const [name, hash] of Object.entries(hashes()))
      expect(
        `sha384-${createHash('sha384')
          .update(readFileSync(installed('dist', name)))
          .digest('base64')}`,
        name,
      ).toBe(hash);
  });

  it.for(['index.js', 'standalone.js'])('a module service worker runs %s', async (file) => {
    const folder = join(consumer.folder, `service-${file}`);
    mkdirSync(folder);
    cpSync(installed('dist'), join(folder, 'dist'), { recursive: true });
    writeFileSync(
      join(folder, 'service.js'),
      `import { FaceXFormer, seededCheckpoint, tensorsOf } from './dist/${file}';
self.oninstall = () => self.skipWaiting();
self.onactivate = (event) => event.waitUntil(self.clients.claim());
self.onmessage = (event) => event.waitUntil(answer(event.ports[0]));
async function answer(port) {
  try {
    const engine = await FaceXFormer.load({ weights: seededCheckpoint(tensorsOf('released')), tasks: ['gender'] });
    const { faces } = await engine.analyze({ data: new Uint8Array(64 * 64 * 4).fill(99), width: 64, height: 64 }, { box: 'whole' });
    engine.dispose();
    port.postMessage(faces[0].gender.label);
  } catch (error) {
    port.postMessage(String(error));
  }
}`,
    );
    writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>');
    writeFileSync(
      join(folder, 'page.js'),
      `globalThis.app = async () => {
  await navigator.serviceWorker.register('/service.js', { type: 'module' });
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => { port1.onmessage = ({ data }) => resolve(data); });
  active.postMessage('go', [port2]);
  return answer;
};`,
    );
    expect(await during(folder, STRICT, ({ page }) => page.evaluate('app()'))).toMatch(/^(fe)?male$/);
  });
});

describe('in tests of apps', () => {
  const test = (load: string) => `
${load}
test('is there', async () => {
  expect(AGES.length).toBe(8);
  expect(typeof drawFaces).toBe('function');
  await expect(FaceXFormer.load({ weights: new Uint8Array(8) })).rejects.toMatchObject({ code: 'WEBGPU_UNAVAILABLE' });
});`;
  const jest = (folder: string, nodeArguments: string[] = []) =>
    run(process.execPath, [...nodeArguments, toolFile('jest', 'bin', 'jest.js'), '--ci', '--rootDir', folder], { cwd: folder });
  const folderWith = (name: string, files: Record<string, string>) => {
    const folder = join(consumer.folder, name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    return folder;
  };

  it('require() in Node gives the modules', async () => {
    const script = `
      const { AGES, FaceXFormer } = require('facexformer-webgpu');
      const { drawFaces } = require('facexformer-webgpu/draw');
      const { RemoteFaceXFormer } = require('facexformer-webgpu/client');
      console.log(AGES.length, typeof FaceXFormer.load, typeof drawFaces, typeof RemoteFaceXFormer.load);`;
    const { stdout } = await run(process.execPath, ['--no-warnings', '--input-type=commonjs', '-e', script], { cwd: consumer.folder });
    expect(stdout).toBe('8 function function function\n');
  });

  it('Jest imports it as the ES modules that it is', async () => {
    const imports = `import { AGES, FaceXFormer } from 'facexformer-webgpu';\nimport { drawFaces } from 'facexformer-webgpu/draw';`;
    const folder = folderWith('jest-esm', { 'package.json': '{ "type": "module" }', 'app.test.js': test(imports) });
    const { stderr } = await jest(folder, ['--experimental-vm-modules']);
    expect(stderr).toMatch(/1 passed/);
  });

  it('Jest requires it, when it is told to transform it as it does the app', async () => {
    const requires = `const { AGES, FaceXFormer } = require('facexformer-webgpu');\nconst { drawFaces } = require('facexformer-webgpu/draw');
for (const entry of ['client', 'detect', 'faces', 'segface', 'video', 'standalone']) require('facexformer-webgpu/' + entry);`;
    const esbuildPath = JSON.stringify(join(root, 'node_modules', 'esbuild'));
    const folder = folderWith('jest-cjs', {
      'package.json': JSON.stringify({
        jest: { transform: { '\\.js$': './transform.cjs' }, transformIgnorePatterns: ['/node_modules/(?!facexformer-webgpu/)'] },
      }),
      'transform.cjs': `exports.process = (text) => require(${esbuildPath}).transformSync(text, { format: 'cjs' });`,
      'app.test.js': test(requires),
    });
    expect((await jest(folder)).stderr).toMatch(/1 passed/);
  });
});

describe('its command line', () => {
  const command = (...args: string[]) =>
    run(join(consumer.folder, 'node_modules', '.bin', 'facexformer-webgpu'), args, { cwd: consumer.folder }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );
  const picture = join(root, 'test', 'fixtures', 'astronaut.png');

  it('says what it does, and what it needs', async () => {
    expect(await command('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/npx facexformer-webgpu COMMAND[\s\S]*analyze[\s\S]*convert[\s\S]*shard/),
    });
    expect(await command()).toMatchObject({ code: 2 });
    expect(await command('analyze', picture)).toMatchObject({ code: 2, stderr: expect.stringMatching(/Which weights/) });
    expect(await command('analyze', picture, '--weights', 'seeded')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/npm install webgpu/),
    });
  });

  it('reads files of weights', async () => {
    const file = join(consumer.folder, 'x.safetensors');
    const header = Buffer.from('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  ');
    const length = Buffer.alloc(8);
    length.writeUInt32LE(header.length);
    writeFileSync(file, Buffer.concat([length, header, Buffer.alloc(4)]));
    expect(await command('inspect', file)).toMatchObject({ code: 0, stdout: expect.stringMatching(/x/) });
    expect(await command('convert', file, join(consumer.folder, 'y.safetensors'), '--dtype', 'f16')).toMatchObject({ code: 0 });
    expect(await command('convert', picture, 'z.safetensors')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^[A-Z_]+: /) });
  });

  it('analyses a picture on Dawn, where that is installed', async () => {
    cpSync(join(root, 'node_modules', 'webgpu'), join(consumer.folder, 'node_modules', 'webgpu'), { recursive: true });
    const drivers = (file: string | undefined) => ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'].forEach((name) => void vi.stubEnv(name, file));
    drivers(join(consumer.folder, 'none.json'));
    expect(await command('detect', picture, '--json', 'none.json')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/NO_ADAPTER: .*gave no GPU\. Install .*driver.*Node on Linux that for Vulkan/),
    });
    drivers(driverFile('swiftshader'));
    const json = join(consumer.folder, 'face.json');
    const said = await command('analyze', picture, '--weights', 'seeded', '--tasks', 'gender', '--json', json);
    const found = join(consumer.folder, 'found.json');
    const detected = await command('detect', picture, '--json', found);
    vi.unstubAllEnvs();
    expect(detected).toMatchObject({ code: 0, stdout: expect.stringMatching(/512 x 512: 1 face/) });
    const [face] = detections.find(({ image }) => image === 'astronaut.png')?.faces ?? [];
    const [{ faces }] = JSON.parse(readFileSync(found, 'utf8'));
    Object.values(face?.box ?? {}).forEach((side, i) => {
      expect(Math.abs(faces[0].box[i] - side)).toBeLessThan(0.5);
    });
    expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/UNTRAINED[\s\S]*gender +(fe)?male/) });
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({
      pictures: [{ width: 512, height: 512, faces: [{ source: 'detector', gender: { label: expect.any(String) } }] }],
    });
  });
});

describe('its types', () => {
  const COMPILERS: Readonly<Record<string, string>> = {
    '5.6': toolFile('typescript56', 'bin', 'tsc'),
    '5.9': toolFile('typescript59', 'bin', 'tsc'),
    '7': join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
  };
  const source = `
import { type Analysis, FaceXFormer, FaceXFormerError, Gallery, maskToPicture, type SupportOptions, type TuneOptions } from 'facexformer-webgpu';
import { RemoteFaceXFormer, type RemoteAnalyzeOptions, type RemoteLoadOptions } from 'facexformer-webgpu/client';
import type { MtcnnOptions } from 'facexformer-webgpu/detect';
import { type DrawOptions, cropFace, drawFaces } from 'facexformer-webgpu/draw';
import { faceQuality, mirror } from 'facexformer-webgpu/faces';
import 'facexformer-webgpu/worker';
import * as single from 'facexformer-webgpu/standalone';
export async function app(picture: Blob, ctx: CanvasRenderingContext2D): Promise<Analysis> {
  const engine = Math.random() < 2 ? await RemoteFaceXFormer.load({ weights: '/w' }) : await FaceXFormer.load({ weights: '/w' });
  const answer = await engine.analyze(picture, { box: 'whole' });
  drawFaces(ctx, answer.faces);
  single.drawFaces(ctx, answer.faces);
  for (const face of answer.faces) if (faceQuality(mirror(face, answer), answer).size > 9) await cropFace(picture, face, { align: true });
  return answer;
}
export const blob = new Blob([maskToPicture(new Uint8Array(9), { x0: 0, y0: 0, x1: 1, y1: 1 }, { width: 1, height: 1 }), new Gallery().toBytes()]);
export const code = (error: unknown): string => FaceXFormerError.from(error).code;
/** What an app hands on may be undefined: no option minds. */
type Unset<Options> = { [Name in keyof Options]-?: undefined extends Options[Name] ? undefined : Options[Name] };
export const unset = (
  options: [Unset<RemoteLoadOptions>, Unset<RemoteAnalyzeOptions>, Unset<TuneOptions>, Unset<SupportOptions>, Unset<MtcnnOptions>, Unset<DrawOptions>],
): [RemoteLoadOptions, RemoteAnalyzeOptions, TuneOptions, SupportOptions, MtcnnOptions, DrawOptions] => options;
`;
  const device = `export const lent = (device: GPUDevice) => FaceXFormer.load({ weights: '/w', device });\n`;
  const cases = Object.keys(COMPILERS).flatMap((version) =>
    ['bundler', 'nodenext'].flatMap((resolution) =>
      // TypeScript 7 knows WebGPU itself, and refuses these types beside its own.
      (version === '7' ? [false] : [false, true]).map((webgpu) => ({ version, resolution, webgpu })),
    ),
  );

  it.for(cases)(
    "are strict under TypeScript $version, moduleResolution $resolution, WebGPU's types $webgpu",
    async ({ version, resolution, webgpu }) => {
      const folder = join(consumer.folder, 'types');
      mkdirSync(folder, { recursive: true });
      const webgpuTypes = join(consumer.folder, 'node_modules', '@webgpu', 'types');
      if (webgpu) cpSync(join(root, 'node_modules', '@webgpu', 'types'), webgpuTypes, { recursive: true });
      else rmSync(dirname(webgpuTypes), { recursive: true, force: true });
      writeFileSync(join(folder, 'app.ts'), source + (webgpu || version === '7' ? device : ''));
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      const compilerOptions = {
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        target: 'es2022',
        lib: ['es2022', 'dom', 'dom.iterable'],
        module: resolution === 'bundler' ? 'esnext' : 'nodenext',
        moduleResolution: resolution,
        types: webgpu ? ['@webgpu/types'] : [],
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
      const said = await run(process.execPath, [COMPILERS[version] as string, '-p', folder]).catch((error: { stdout: string }) => error);
      expect(said.stdout).toBe('');
    },
  );

  it('please arethetypeswrong', async () => {
    const attw = toolFile('@arethetypeswrong', 'cli', 'dist', 'index.js');
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', consumer.folder], { cwd: root });
    // It ends with another exit code where there is a problem; what else than ES modules asks for is none.
    await run(process.execPath, [attw, join(consumer.folder, stdout.trim()), '--profile', 'esm-only']);
  });
});
