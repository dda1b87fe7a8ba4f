/** The sides that run in headless Chromium, each in a browser of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser } from '../../tools/browser/launch.ts';
import { type OpenPage, openPage } from '../../tools/browser/page.ts';
import type { Route } from '../../tools/browser/serve.ts';
import { root } from '../../tools/root.ts';
import type { Job, Side, Timed } from './side.ts';

const { version } = JSON.parse(readFileSync(join(root, 'node_modules/onnxruntime-web/package.json'), 'utf8')) as { version: string };

async function inPage<Result>(source: string, routes: Record<string, Route>, use: (page: OpenPage) => Promise<Result>): Promise<Result> {
  const { browser } = await launchBrowser({ browser: 'chrome', adapter: 'software' }, console.error);
  try {
    const page = await openPage(browser, source, routes);
    const result = await use(page);
    if (page.complaints.length > 0) console.error(page.complaints.join('\n'));
    return result;
  } finally {
    await browser.close();
  }
}

/** The browser as it names itself, like `Chrome/131.0.6778.85`. */
const browserOf = ({ page }: OpenPage): Promise<string> => page.browser().version();

function posted(page: OpenPage, names: readonly string[]): Map<string, Float32Array> {
  return new Map(
    names.map((name) => {
      const body = page.received(name);
      if (!body) throw new Error(`The page gave no ${name}.`);
      return [name, new Float32Array(Uint8Array.from(body).buffer)];
    }),
  );
}

/** onnxruntime-web with its WebGPU or WebAssembly provider. */
export async function onnxruntimeWeb(provider: 'webgpu' | 'wasm', { model, pixels, frames, threads, outputs: names }: Job): Promise<Side> {
  const routes: Record<string, Route> = {
    '/ort/': { folder: join(root, 'node_modules/onnxruntime-web/dist') },
    '/model.onnx': { file: model },
    '/pixels': { body: new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength), type: 'application/octet-stream' },
  };
  return inPage("export { onnxruntime, isolated } from './bench/peers/onnxruntime.page.ts';", routes, async (page) => {
    if (!(await page.call<boolean>('isolated'))) throw new Error('The page is not isolated, so WebAssembly would have one thread.');
    const timed = await page.call<Timed>('onnxruntime', provider, frames, threads);
    const outputs = posted(page, names);
    const backend = provider === 'webgpu' ? 'WebGPU on SwiftShader' : `WebAssembly, ${threads} threads`;
    return { backend: `${version}, ${backend}, ${await browserOf(page)}`, ...timed, outputs };
  });
}

/** The engine, its weights fetched from this machine. */
export async function engine({ weights, picture, box, frames, outputs: names }: Job): Promise<Side> {
  const { data, ...size } = picture;
  const routes: Record<string, Route> = {
    '/weights.safetensors': { file: weights },
    '/picture': { body: data, type: 'application/octet-stream' },
  };
  return inPage("export { engine } from './bench/peers/engine.page.ts';", routes, async (page) => {
    const timed = await page.call<Timed>('engine', size, box, frames);
    return { backend: `WebGPU on SwiftShader, ${await browserOf(page)}`, ...timed, outputs: posted(page, names) };
  });
}
