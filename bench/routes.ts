/** The benchmark's page as a server gives it: bundled from the sources as they stand, with what lies beside it. */

import { existsSync, mkdtempSync, openAsBlob, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { exportOnnx } from '../onnx/export.ts';
import { openCheckpoint } from '../src/checkpoint/open.ts';
import { seededCheckpoint } from '../src/checkpoint/seeded.ts';
import { tensorsOf } from '../src/face/config.ts';
import { FORMS, type Form } from '../src/face/forms.ts';
import { ENCODERS } from '../src/model/backbones/index.ts';
import type { Ready, Route } from '../tools/browser/serve.ts';
import { FILE } from '../tools/fixtures.ts';
import { mtcnnWeights } from '../tools/mtcnn.mjs';
import { root } from '../tools/root.ts';
import { wgslForEsbuild } from '../tools/wgsl.mjs';
import { commit } from './commit.ts';
import type { Offer } from './page/peers/peer.ts';
import type { Peer } from './page/settings.ts';
import { references } from './references.ts';

const page = (...path: string[]) => join(root, 'bench', 'page', ...path);

/** Which package each peer is. */
const PACKAGES: Readonly<Record<Peer, string>> = {
  'ort-webgpu': 'onnxruntime-web',
  'ort-wasm': 'onnxruntime-web',
  mediapipe: '@mediapipe/face_mesh',
  human: '@vladmandic/human',
  'micro-facemesh': '@svenflow/micro-facemesh',
};

/** `weights`: a safetensors file to serve at `weights/NAME`. */
export async function benchRoutes(weights?: string): Promise<Record<string, Route>> {
  const { outputFiles } = await build({
    entryPoints: [page('main.ts')],
    bundle: true,
    splitting: true, // a peer's library is fetched only where it runs
    format: 'esm',
    target: 'es2022',
    outdir: page(),
    write: false,
    sourcemap: 'inline',
    logLevel: 'silent',
    define: { COMMIT: JSON.stringify(commit()) },
    plugins: [wgslForEsbuild],
  });
  const routes: Record<string, Route> = {
    '/': { body: html(), type: 'text/html; charset=utf-8' },
    '/README.md': { file: join(root, 'bench', 'README.md'), type: 'text/plain; charset=utf-8' },
    '/style.css': { file: page('style.css') },
    '/base.css': { file: join(root, 'tools', 'page', 'style.css') },
    '/uplot.css': { file: join(root, 'node_modules', 'uplot', 'dist', 'uPlot.min.css') },
    '/mtcnn.safetensors': { body: Buffer.from(mtcnnWeights()), type: 'application/octet-stream' },
    '/astronaut.png': { file: join(root, 'test', 'fixtures', 'astronaut.png') },
    '/peers.json': { body: JSON.stringify(installedPeers()), type: 'application/json' },
    '/references.json': { body: JSON.stringify(references()), type: 'application/json' },
    '/onnx/': { make: (path) => model(path, weights) },
  };
  for (const { path, text } of outputFiles) routes[`/${basename(path)}`] = { body: text, type: 'text/javascript' };
  for (const form of FORMS) routes[`/reference/${form}.safetensors`] = { file: join(root, 'test', 'fixtures', FILE[form]) };
  for (const encoder of ENCODERS.slice(1))
    routes[`/reference/paper-${encoder}.safetensors`] = { file: join(root, 'test', 'fixtures', `astronaut-face-${encoder}.safetensors`) };
  for (const { folder, peer } of installedPeers()) routes[`/${folder}`] = { folder: join(root, 'node_modules', PACKAGES[peer]) };
  if (weights !== undefined) routes[`/weights/${basename(weights)}`] = { file: weights };
  return routes;
}

/** MediaPipe's loader evaluates text, so that its presence, and nothing else, lets the page do so. */
function html(): string {
  const text = readFileSync(page('index.html'), 'utf8');
  const evaluates = installedPeers().some(({ peer }) => peer === 'mediapipe');
  return evaluates ? text.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-eval'") : text;
}

function installedPeers(): Offer[] {
  return (Object.entries(PACKAGES) as [Peer, string][]).flatMap(([peer, name]) => {
    const file = join(root, 'node_modules', name, 'package.json');
    if (!existsSync(file)) return [];
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    return [{ peer, version: `${name} ${version}`, folder: `peers/${name}/` }];
  });
}

/** Those that a run would have to leave out. */
export function missingPeers(peers: readonly Peer[]): Peer[] {
  const installed = installedPeers().map(({ peer }) => peer);
  return peers.filter((peer) => !installed.includes(peer));
}

/**
 * The model as an ONNX file: `onnx/released-swin_b-7.onnx` with seeded weights, `onnx/weights.onnx` with the file's. It is made for the request
 * and goes with it, one request after another, so that nobody who only asks can fill the disk.
 */
async function model(path: string, weights: string | undefined): Promise<Ready | undefined> {
  const [, form, backbone = '', seed] = /^\/onnx\/(\w+)-(\w+)-(\d+)\.onnx$/.exec(path) ?? [];
  const isFile = path === '/onnx/weights.onnx' && weights !== undefined;
  if (!isFile && (!FORMS.includes(form as Form) || !ENCODERS.includes(backbone) || Number(seed) > 0xffffffff)) return undefined;
  const before = turn;
  const { promise, resolve } = deferred();
  turn = promise;
  await before;
  const folder = mkdtempSync(join(tmpdir(), 'facexformer-onnx-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const sent = () => {
    remove();
    process.removeListener('exit', remove);
    resolve();
  };
  process.once('exit', remove);
  try {
    const checkpoint = isFile
      ? await openCheckpoint(await openAsBlob(weights))
      : seededCheckpoint(tensorsOf(form as Form, { backbone }), Number(seed));
    const out = join(folder, 'model.onnx');
    await exportOnnx({ checkpoint, out });
    return { file: out, sent };
  } catch (error) {
    sent();
    throw error;
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Ends when the model that was made last has gone out. */
let turn: Promise<void> = Promise.resolve();
