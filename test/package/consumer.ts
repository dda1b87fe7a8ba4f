/** An empty project that has installed the package's tarball, and its app bundled by the bundlers that people use. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { build } from '../../scripts/build.mjs';
import { root } from '../../tools/root.ts';

export const run = promisify(execFile);

export interface Consumer {
  /** The project's folder. */
  folder: string;
  /** Paths inside the tarball. */
  files: string[];
}

/** Builds, packs and installs, without a network. */
export async function install(): Promise<Consumer> {
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'consumer-'));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { stdout } = await run(npm, ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', version: '1.0.0', private: true, type: 'module' }));
  await run(npm, ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', `./${filename}`], { cwd: folder });
  return { folder, files: files.map(({ path }) => path) };
}

/** What an app does first: everything that it needs comes from the package's two entries. */
const APP = `
import { AGES, FaceXFormer, FaceXFormerError } from 'facexformer-webgpu';
import { drawFaces } from 'facexformer-webgpu/draw';
export const ages = AGES.length;
export const draws = typeof drawFaces;
export async function refusal(weights) {
  try {
    await FaceXFormer.load({ weights });
    return 'loaded';
  } catch (error) {
    return error instanceof FaceXFormerError ? error.code : String(error);
  }
}
`;

export const BUNDLERS = ['esbuild', 'vite', 'webpack'] as const;
export type Bundler = (typeof BUNDLERS)[number];

/** The app as one ES module, made by that bundler with its defaults; gives the script's path. */
export async function bundleApp({ folder }: Consumer, bundler: Bundler): Promise<string> {
  const entry = join(folder, 'app.js');
  const out = join(folder, bundler);
  writeFileSync(entry, APP);
  mkdirSync(out, { recursive: true });
  if (bundler === 'esbuild')
    await esbuild({ entryPoints: [entry], bundle: true, format: 'esm', outfile: join(out, 'app.mjs'), logLevel: 'silent' });
  else if (bundler === 'vite') {
    const lib = { entry, formats: ['es' as const], fileName: () => 'app.mjs' };
    await vite({ root: folder, configFile: false, logLevel: 'silent', build: { lib, outDir: out, emptyOutDir: false } });
  } else await withWebpack(folder, entry, out);
  return join(out, 'app.mjs');
}

function withWebpack(context: string, entry: string, path: string): Promise<void> {
  const output = { path, filename: 'app.mjs', library: { type: 'module' as const } };
  const compiler = webpack({ mode: 'production', target: 'web', context, entry, output, experiments: { outputModule: true } });
  return new Promise((resolve, reject) => {
    compiler?.run((error, stats) => {
      if (error) reject(error);
      else if (stats?.hasErrors() || stats?.hasWarnings()) reject(new Error(stats.toString({ all: false, errors: true, warnings: true })));
      else compiler.close(() => resolve());
    });
  });
}

export const textOf = (path: string): string => readFileSync(path, 'utf8');
