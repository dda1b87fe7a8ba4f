/**
 * Builds the package into dist/: index.js and draw.js for browsers and bundlers (ES modules, minified WGSL inlined) and their types.
 *   node scripts/build.mjs [--force]
 * Does nothing when dist/ is newer than every source.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { minifiedWgslForRolldown } from '../tools/wgsl.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const inputs = ['src', 'scripts/build.mjs', 'tools/wgsl.mjs', 'weights', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

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

/**
 * What every engine runs is one file, however many of its modules the files that are imported later share: one file is smaller than its
 * pieces. The labels are another, so that whoever only draws loads no engine. The paper form's tensors are listed in a file that index.js
 * imports only by way of the manifest: esbuild keeps with every app what index.js itself imports, if any other file has a use for it.
 */
const GROUPS = [
  { name: 'labels', test: /[\\/]face[\\/]labels\.ts$/, priority: 2 },
  { name: 'engine', test: /[\\/]engine[\\/]facexformer\.ts$/, priority: 1 }, // and whatever it imports
  { name: 'paper-tensors', test: /[\\/]checkpoint[\\/]paper\.ts$/ },
  { name: 'manifest', test: /[\\/]checkpoint[\\/]manifest\.ts$/ },
];

async function bundleTo(folder) {
  const bundle = await rolldown({
    cwd: root,
    input: { index: 'src/index.ts', draw: 'src/face/draw.ts' },
    transform: { target: 'es2022' },
    plugins: [minifiedWgslForRolldown],
    checks: { bundlerTimings: false }, // how long a build takes on a busy machine is no fault
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(message);
    },
  });
  await bundle.write({
    dir: folder,
    format: 'es',
    minify: true,
    sourcemap: true,
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: { groups: GROUPS },
  });
  await bundle.close();
}

async function declareTo(folder) {
  const tsc = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(/package\.json$/, 'bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', folder];
  await promisify(execFile)(process.execPath, args, { cwd: root }).catch((error) => {
    throw new Error(`The types do not compile:\n${error.stdout || error.message}`);
  });
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.d.ts'))) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(TS_SPECIFIER, '$1.js$2')); // every resolver finds x.d.ts under x.js
  }
}

const TS_SPECIFIER = /((?:from |import\()["']\.{1,2}\/[^"']+)\.ts(["'])/g;

/** Builds where needed; true when it did. The new dist/ takes the old one's place only when it is whole. */
export async function build({ force = false } = {}) {
  if (!force && isFresh()) return false;
  const made = join(root, '.cache', `dist-${process.pid}`);
  mkdirSync(made, { recursive: true });
  try {
    await Promise.all([bundleTo(made), declareTo(made)]);
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
