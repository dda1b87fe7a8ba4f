/** Headless Chrome or Chromium with WebGPU, on the machine's GPU or on the software adapter, and a check of which one came. */
import puppeteer, { type Browser } from 'puppeteer';
import { NoBrowserError, requireChrome } from './chrome.ts';
import { serve } from './serve.ts';

export const ADAPTERS = ['auto', 'gpu', 'software'] as const;
export type AdapterChoice = (typeof ADAPTERS)[number];

export interface AdapterFound {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
  /** True for a CPU that plays a GPU. */
  software: boolean;
}

export interface LaunchedBrowser {
  browser: Browser;
  adapter: AdapterFound;
}

const QUIET = ['--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Containers give no user namespaces and a small /dev/shm. The pages are our own. */
const CONTAINED = ['--no-sandbox', '--disable-dev-shm-usage'];
/** A hidden page must not be slowed, nor a long dispatch on the software adapter be taken for a GPU that hangs. */
const STEADY = ['--disable-gpu-watchdog', '--disable-renderer-backgrounding', '--disable-background-timer-throttling'];

const SOFTWARE = ['--use-webgpu-adapter=swiftshader'];
const GPU = process.platform === 'linux' ? ['--enable-features=Vulkan', '--ignore-gpu-blocklist'] : ['--ignore-gpu-blocklist'];

/** `auto` takes the machine's GPU where WebGPU gives one, else the software adapter. `gpu` fails where there is none. */
export async function launchBrowser(choice: AdapterChoice, say: (line: string) => void = () => {}): Promise<LaunchedBrowser> {
  const executablePath = requireChrome(say);
  if (choice !== 'software') {
    const launched = await launch(executablePath, GPU);
    if (launched && !launched.adapter.software) return launched;
    await launched?.browser.close();
    if (choice === 'gpu')
      throw new NoBrowserError(`${executablePath} gives no WebGPU adapter of a GPU here. --adapter software runs on the CPU.`);
  }
  const launched = await launch(executablePath, SOFTWARE);
  if (!launched)
    throw new NoBrowserError(
      `${executablePath} gives no WebGPU adapter, not even the software one. It may be too old: version 121 or later has it.`,
    );
  return launched;
}

async function launch(executablePath: string, flags: string[]): Promise<LaunchedBrowser | undefined> {
  const args = ['--enable-unsafe-webgpu', ...flags, ...QUIET, ...CONTAINED, ...STEADY];
  const browser = await puppeteer.launch({ executablePath, args, headless: true, protocolTimeout: 0 }).catch((error: unknown) => {
    throw new NoBrowserError(`${executablePath} did not start: ${error instanceof Error ? error.message : error}`, { cause: error });
  });
  try {
    const adapter = await adapterOf(browser);
    if (adapter) return { browser, adapter };
  } catch (error) {
    await browser.close();
    throw error;
  }
  await browser.close();
  return undefined;
}

/** Asks a page for its adapter; undefined where there is none. A page without an address has no WebGPU, so one is served. */
async function adapterOf(browser: Browser): Promise<AdapterFound | undefined> {
  const server = await serve({ '/': { body: '<!doctype html><title>adapter</title>', type: 'text/html' } });
  const page = await browser.newPage();
  try {
    await page.goto(server.url);
    return await page.evaluate(async () => {
      const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
      if (!adapter) return undefined;
      const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
      const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${architecture} ${device} ${description}`);
      return { vendor, architecture, device, description, software };
    });
  } finally {
    await page.close();
    await server.close();
  }
}

/** One line for a person, like `nvidia ampere` or `software adapter (google swiftshader)`. */
export function adapterLine({ vendor, architecture, description, software }: AdapterFound): string {
  const name = [vendor, architecture].filter(Boolean).join(' ') || description || 'unnamed';
  return software ? `software adapter (${name})` : `GPU (${description || name})`;
}
