/**
 * Builds the package into dist/: ES modules for browsers and bundlers, WGSL inlined, and one file of types for each.
 *   node scripts/build.mjs [--force]
 * Does nothing when dist/ is newer than every source.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { mtcnnNotice, mtcnnWeights } from '../tools/mtcnn.mjs';
import { minifiedWgslForRolldown } from '../tools/wgsl.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const inputs = ['src', 'cli', 'tools', 'scripts/build.mjs', 'weights', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

/** When anything at or under a path last changed, in milliseconds. */
function newest(path) {
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  const inside = readdirSync(path).filter((name) => !name.endsWith('.safetensors'));
  return Math.max(info.mtimeMs, ...inside.map((name) => newest(join(path, name))));
}

function isFresh() {
  const made = join(dist, 'index.js');
  return existsSync(made) && inputs.every((input) => newest(join(root, input)) < statSync(made).mtimeMs);
}

/** What `exports` of package.json names: its file in dist/, and its source. Left as it reads: who installs it minifies it with the rest of an app. */
const ENTRIES = {
  index: 'src/index.ts',
  detect: 'src/detect/index.ts',
  draw: 'src/draw.ts',
  video: 'src/video/index.ts',
  faces: 'src/faces.ts',
  segface: 'src/segface/index.ts',
  client: 'src/worker/client.ts',
};

/** A file of its own besides, so that `index.js` is not the engine: webpack would keep it for the least of the names that come from there. */
const APART = { engine: 'src/engine/facexformer.ts' };

/**
 * Scripts that are whole in themselves, and minified: the worker's, which bundlers and people move about, and everything that the package exports, for
 * pages and extensions without a bundler.
 */
const SCRIPTS = { worker: 'src/worker/worker.ts', standalone: 'src/standalone.ts' };

/** All WGSL is in one chunk: like beside like, with gzip it takes an app 1.4 kB less than the same texts among code. */
const SHADERS = { name: 'shaders', test: /\.wgsl$/ };

const asErrors = (level, { code, message }) => {
  if (level === 'warn' && code !== 'EMPTY_BUNDLE') throw new Error(message);
};

/** Nothing in dist/ may ask for code while it runs: service workers know no import(), and bundlers that make a worker one file refuse it. */
const notLater = {
  name: 'not-later',
  generateBundle(_, bundle) {
    for (const { fileName, dynamicImports = [] } of Object.values(bundle))
      if (dynamicImports.length > 0) throw new Error(`${fileName} imports ${dynamicImports} while it runs: write static imports in src/.`);
  },
};

/** What people run: `npx facexformer-webgpu`. Dawn is theirs to install; what else it needs is inside, with its licences beside it. */
const COMMAND_LINE = { input: 'cli/bin.ts', platform: 'node', external: ['webgpu'] };
const INSIDE = ['@zip.js/zip.js', 'picomatch'];

async function bundleTo(input, output, options = {}) {
  const bundle = await rolldown({
    cwd: root,
    input,
    ...options,
    transform: { target: 'es2022' },
    plugins: options.platform === 'node' ? [minifiedWgslForRolldown] : [minifiedWgslForRolldown, notLater],
    checks: { bundlerTimings: false }, // how long a build takes on a busy machine is no fault
    onLog: asErrors,
  });
  await bundle.write({ format: 'es', ...output });
  await bundle.close();
}

async function bundleCommandLine(folder) {
  const { input, ...options } = COMMAND_LINE;
  const file = join(folder, 'cli.mjs');
  await bundleTo(input, { file, banner: '#!/usr/bin/env node', codeSplitting: false, minify: true }, options);
  chmodSync(file, 0o755);
  const notices = INSIDE.map((name) => {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    return `${name} ${version}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`;
  });
  writeFileSync(join(folder, 'cli-licences.txt'), `cli.mjs contains:\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`);
}

/** For `integrity` of a script or an import map: the names of scripts, and the hash that a browser compares. */
function writeHashes(folder) {
  const hashOf = (name) =>
    `sha384-${createHash('sha384')
      .update(readFileSync(join(folder, name)))
      .digest('base64')}`;
  const hashes = Object.fromEntries(Object.keys(SCRIPTS).map((name) => [`${name}.js`, hashOf(`${name}.js`)]));
  writeFileSync(join(folder, 'integrity.json'), `${JSON.stringify(hashes, null, 2)}\n`);
}

/** One declaration file an entry, which every resolver and TypeScript from 5.6 on reads. */
async function declareTo(folder) {
  const declared = `${folder}-types`;
  const tsc = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(/package\.json$/, 'bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', declared];
  try {
    await promisify(execFile)(process.execPath, args, { cwd: root }).catch((error) => {
      throw new Error(`The types do not compile:\n${error.stdout || error.message}`);
    });
    await Promise.all(
      Object.entries({ ...ENTRIES, ...SCRIPTS }).map(([name, source]) =>
        rollUp(join(declared, source.replace(/^src\/(.*)\.ts$/, '$1.d.ts')), join(folder, `${name}.d.ts`)),
      ),
    );
  } finally {
    rmSync(declared, { recursive: true, force: true });
  }
}

async function rollUp(input, file) {
  const bundle = await rollup({ input, plugins: [dts({ tsconfig: join(root, 'tsconfig.build.json') })], onLog: asErrors });
  const { output } = await bundle.generate({ format: 'es' });
  writeFileSync(file, `/// <reference lib="esnext.disposable" />\n${forOlderTypeScript(output[0].code.trim() || 'export {};')}\n`);
  await bundle.close();
}

/**
 * Typed arrays have a type parameter since TypeScript 5.7 only. What a static method of theirs returns is `Uint8Array<ArrayBuffer>` there, which
 * a Blob takes, and plain `Uint8Array` before.
 */
const forOlderTypeScript = (text) =>
  text.replace(/\b(\w+Array)<ArrayBuffer>/g, 'ReturnType<typeof $1.of>').replace(/\b(\w+Array)<ArrayBufferLike>/g, '$1');

/** Builds where needed; true when it did. The new dist/ takes the old one's place only when it is whole. */
export async function build({ force = false } = {}) {
  if (!force && isFresh()) return false;
  const made = join(root, '.cache', `dist-${process.pid}`);
  mkdirSync(made, { recursive: true });
  try {
    await Promise.all([
      bundleTo({ ...ENTRIES, ...APART }, { dir: made, chunkFileNames: '[name]-[hash].js', codeSplitting: { groups: [SHADERS] } }),
      ...Object.entries(SCRIPTS).map(([name, source]) =>
        bundleTo(source, { file: join(made, `${name}.js`), codeSplitting: false, minify: true }),
      ),
      bundleCommandLine(made),
      declareTo(made),
    ]);
    writeFileSync(join(made, 'mtcnn.safetensors'), mtcnnWeights()); // beside the code, which says `new URL('./mtcnn.safetensors', import.meta.url)`
    writeFileSync(join(made, 'mtcnn.LICENSE'), mtcnnNotice());
    writeHashes(made);
    rmSync(dist, { recursive: true, force: true });
    renameSync(made, dist);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const start = performance.now();
  try {
    const built = await build({ force: process.argv.includes('--force') });
    console.log(built ? `dist/ built in ${((performance.now() - start) / 1000).toFixed(1)} s` : 'dist/ is up to date');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
