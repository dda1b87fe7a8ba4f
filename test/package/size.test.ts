/** What an app must carry, WGSL and all. Nothing is loaded later: a service worker could not. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import webpack from 'webpack';
import { build } from '../../scripts/build.mjs';
import type { RemoteFaceXFormer } from '../../src/worker/client.ts';
import { root } from '../../tools/root.ts';

/** Bytes with gzip that an app may carry, just above what it does: 50,000 are wanted, and growth is to be a decision. */
const BUDGET = 85_100;
/** Those of a page whose engine is in a worker. */
const PAGE_BUDGET = 4_850;

const dist = join(root, 'dist');
type Files = ReadonlyMap<string, string>;

/** The files that a script imports statically, itself the first. */
function closure(entry: string, textOf: (path: string) => string): Files {
  const files = new Map<string, string>();
  const add = (path: string): void => {
    if (files.has(path)) return;
    const text = textOf(path).replace(/\/\/# sourceMappingURL=.*\n?$/, '');
    files.set(path, text);
    for (const [, name] of text.matchAll(/(?:from|import)["'`](\.[^"'`]+\.js)["'`]/g)) add(join(dirname(path), name as string));
  };
  add(entry);
  return files;
}

function gzipBytes(files: Files): number {
  return [...files.values()].reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
}

/** An app that imports one class from an entry and nothing else, bundled as apps are: what it does not use is left out. */
async function app(name: string, entry: string): Promise<Files> {
  const contents = `import { ${name} } from './${entry}'; globalThis.engine = ${name};`;
  const { outputFiles } = await bundle({
    stdin: { contents, resolveDir: dist },
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    write: false,
    outdir: join(dist, 'app'),
  });
  const files = new Map(outputFiles.map(({ path, text }) => [path, text]));
  return closure(join(dist, 'app', 'stdin.js'), (path) => files.get(path) as string);
}

/** As `app`, by webpack, which leaves out whole files and sees less of what is in them. */
async function byWebpack(name: string, entry: string): Promise<string> {
  const folder = join(root, '.cache', 'size');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'app.js'), `import { ${name} } from ${JSON.stringify(join(dist, entry))}; globalThis.engine = ${name};`);
  const output = { path: folder, filename: 'made.js' };
  const compiler = webpack({ mode: 'production', context: folder, entry: './app.js', output, optimization: { minimize: false } });
  const faults = await new Promise((done) => {
    compiler?.run((error, stats) => compiler.close(() => done(error ?? stats?.toString({ all: false, errors: true }))));
  });
  expect(faults).toBe('');
  return readFileSync(join(folder, 'made.js'), 'utf8');
}

beforeAll(() => build());

it('an app that imports the engine stays within its budget', async () => {
  const files = await app('FaceXFormer', 'index.js');
  expect([...files.values()].some((text) => text.includes('fn matmul('))).toBe(true);
  const bytes = gzipBytes(files);
  console.log(`${bytes} bytes with gzip`);
  expect(bytes).toBeLessThanOrEqual(BUDGET);
});

it('a page whose engine is in a worker carries little', async () => {
  const bytes = gzipBytes(await app('RemoteFaceXFormer', 'client.js'));
  console.log(`${bytes} bytes with gzip`);
  expect(bytes).toBeLessThanOrEqual(PAGE_BUDGET);
});

it.for([
  ['RemoteFaceXFormer', 'client.js'],
  ['checkSupport', 'index.js'],
  ['weightCache', 'index.js'],
  ['fromMediaPipe', 'detect.js'],
  ['SEGFACE_CLASSES', 'segface.js'],
  ['mirror', 'faces.js'],
  ['followFaces', 'video.js'],
  ['drawFaces', 'draw.js'],
] as const)('an app of %s alone carries no kernel', async ([name, entry]) => {
  for (const text of (await app(name, entry)).values()) expect(text).not.toContain('@compute');
  expect(await byWebpack(name, entry)).not.toContain('@compute');
});

it('the single file exports all that the entries do', async () => {
  const entries = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports).filter((name) =>
    /^\.(\/(?!worker|pack)|$)/.test(name),
  );
  const exported = async (entry: string) => Object.keys(await import(join(dist, `${entry === '.' ? 'index' : entry}.js`)));
  expect(entries.length).toBeGreaterThan(7);
  for (const entry of entries) expect(await exported('standalone'), entry).toEqual(expect.arrayContaining(await exported(entry)));
});

it('a script that is no module, and does not know where it lies, says what to give', async () => {
  const contents = `export { packagedWeights } from './src/detect/weights.ts'; export { RemoteFaceXFormer } from './src/worker/client.ts';`;
  const { outputFiles } = await bundle({
    stdin: { contents, resolveDir: root },
    bundle: true,
    format: 'cjs',
    loader: { '.wgsl': 'text' },
    logLevel: 'error',
    logOverride: { 'empty-import-meta': 'silent' },
    write: false,
  });
  const script = { exports: {} as { packagedWeights(): URL; RemoteFaceXFormer: typeof RemoteFaceXFormer } };
  new Function('module', 'Worker', outputFiles[0]?.text as string)(script, class {});
  expect(script.exports.packagedWeights).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(/mtcnn\.safetensors/) }),
  );
  await expect(script.exports.RemoteFaceXFormer.load({ weights: 'w' })).rejects.toMatchObject({
    code: 'WORKER_FAILED',
    message: expect.stringMatching(/bundler.*Invalid URL/),
  });
});

it('nothing in the package is imported while it runs: service workers and workers of one file could not have it', () => {
  for (const name of readdirSync(dist).filter((file) => file.endsWith('.js')))
    expect(readFileSync(join(dist, name), 'utf8'), name).not.toMatch(/\bimport\s*\(/);
});

it('the types name none of WebGPU, which TypeScript knows only where an app has types for it', () => {
  for (const name of readdirSync(dist).filter((file) => file.endsWith('.d.ts'))) {
    const code = readFileSync(join(dist, name), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    expect(code.match(/\bGPU[A-Z]\w+/g) ?? [], name).toEqual([]);
  }
});
