/** The sides that run in headless Chromium, each in a browser of its own. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from '../../src/cli/browser.ts';
import { chromeVersion, requireChrome } from '../../src/cli/chrome.ts';
import { type OpenPage, openPage } from '../../src/cli/page.ts';
import type { Route } from '../../src/cli/serve.ts';
import type { Frames } from './onnxruntime.page.ts';
import type { Job, Side } from './side.ts';

const { version } = JSON.parse(readFileSync('node_modules/onnxruntime-web/package.json', 'utf8')) as { version: string };

async function inPage<Result>(source: string, routes: Record<string, Route>, use: (page: OpenPage) => Promise<Result>): Promise<Result> {
  const { browser } = await launchBrowser('software', console.error);
  try {
    const page = await openPage(browser, source, routes);
    const result = await use(page);
    if (page.complaints.length > 0) console.error(page.complaints.join('\n'));
    return result;
  } finally {
    await browser.close();
  }
}

/** onnxruntime-web with its WebGPU or WebAssembly provider. */
export async function onnxruntimeWeb(provider: 'webgpu' | 'wasm', { model, pixels, frames, outputs: names }: Job): Promise<Side> {
  const routes: Record<string, Route> = {
    '/ort/': { folder: fileURLToPath(new URL('node_modules/onnxruntime-web/dist', `file://${process.cwd()}/`)) },
    '/model.onnx': { file: model },
    '/pixels': { body: new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength), type: 'application/octet-stream' },
  };
  const threads = 2;
  return inPage("export { onnxruntime, isolated } from './bench/peers/onnxruntime.page.ts';", routes, async (page) => {
    if (!(await page.call<boolean>('isolated'))) throw new Error('The page is not isolated, so WebAssembly would have one thread.');
    const timed = await page.call<Frames>('onnxruntime', provider, frames, threads);
    const outputs = new Map<string, Float32Array>();
    for (const name of names) {
      const body = page.received(name);
      if (!body) throw new Error(`onnxruntime-web gave no ${name}.`);
      outputs.set(name, new Float32Array(Uint8Array.from(body).buffer));
    }
    const backend = provider === 'webgpu' ? 'WebGPU, SwiftShader' : `WebAssembly, ${threads} threads`;
    return { name: `onnxruntime-web ${version}`, backend: `${backend}, ${chromeVersion(requireChrome(console.error))}`, ...timed, outputs };
  });
}
