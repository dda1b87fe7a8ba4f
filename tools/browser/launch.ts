/** A headless browser with WebGPU, on the machine's GPU or on the software adapter, and a check of which one came. */
import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type LaunchOptions } from 'puppeteer';
import { exitOnSignals } from '../signals.mjs';
import { parseChoice } from '../terminal/options.ts';
import { driverFile } from '../vulkan.mjs';
import { requireChrome } from './chrome.ts';
import { NoBrowserError } from './find.ts';
import { requireFirefox } from './firefox.ts';
import { serve } from './serve.ts';

const ADAPTERS = ['auto', 'gpu', 'software'] as const;
type AdapterChoice = (typeof ADAPTERS)[number];

/** Chrome stands for Chromium and Edge too. */
const BROWSERS = ['chrome', 'firefox'] as const;
type BrowserName = (typeof BROWSERS)[number];

/** Where a command runs the engine. */
export interface Where {
  readonly browser: BrowserName;
  readonly adapter: AdapterChoice;
}

/** Its options, for {@link parse}, for a command's usage, and from what was parsed. */
export const WHERE_OPTIONS = { browser: { type: 'string' }, adapter: { type: 'string' } } as const;
export const WHERE_LINE =
  '--browser chrome|firefox, --adapter auto|gpu|software (default: chrome; auto: the GPU where there is one, else the CPU)';
export const whereOf = ({ browser = 'chrome', adapter = 'auto' }: { browser?: string; adapter?: string }): Where => ({
  browser: parseChoice('--browser', browser, BROWSERS),
  adapter: parseChoice('--adapter', adapter, ADAPTERS),
});

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

type Say = (line: string) => void;

const QUIET = ['--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Containers give no user namespaces and a small /dev/shm. The pages are our own. */
const CONTAINED = ['--no-sandbox', '--disable-dev-shm-usage'];
/** A hidden page must not be slowed, nor a long dispatch on the software adapter be taken for a GPU that hangs. */
const STEADY = ['--disable-gpu-watchdog', '--disable-renderer-backgrounding', '--disable-background-timer-throttling'];

const SOFTWARE = ['--use-webgpu-adapter=swiftshader'];
const GPU = process.platform === 'linux' ? ['--enable-features=Vulkan', '--ignore-gpu-blocklist'] : ['--ignore-gpu-blocklist'];

/** Firefox has WebGPU on Linux too, but keeps it off there, and where it knows the GPU for a bad or a missing one. */
const PREFERENCES = { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true };

/** How each browser is started on the machine's GPU, and on the software adapter. */
const LAUNCHES: Readonly<Record<BrowserName, (say: Say, flags: readonly string[]) => (software: boolean) => LaunchOptions>> = {
  chrome(say, flags) {
    const executablePath = requireChrome(say);
    return (software) => ({
      executablePath,
      args: ['--enable-unsafe-webgpu', ...(software ? SOFTWARE : GPU), ...QUIET, ...CONTAINED, ...STEADY, ...flags],
    });
  },
  firefox() {
    const executablePath = requireFirefox();
    // Firefox takes what the Vulkan loader gives it. SwiftShader unless the environment names a driver: lavapipe compiles for minutes in Firefox.
    const driver = process.env['VK_DRIVER_FILES'] ?? driverFile('swiftshader') ?? driverFile('lavapipe');
    return (software) => ({
      browser: 'firefox',
      executablePath,
      extraPrefsFirefox: PREFERENCES,
      env: { ...process.env, ...(software && driver && { VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver }) },
    });
  },
};

/**
 * `auto` takes the machine's GPU where WebGPU gives one, else the software adapter. `gpu` fails where there is none.
 * @param flags more of them, for Chrome: a camera that is made up, say
 */
export async function launchBrowser(
  { browser, adapter }: Where,
  say: Say = () => {},
  flags: readonly string[] = [],
): Promise<LaunchedBrowser> {
  const optionsFor = LAUNCHES[browser](say, flags);
  const { executablePath } = optionsFor(false);
  if (adapter !== 'software') {
    const launched = await launch(optionsFor(false));
    if (launched && !launched.adapter.software) return launched;
    await launched?.browser.close();
    if (adapter === 'gpu')
      throw new NoBrowserError(`${executablePath} gives no WebGPU adapter of a GPU here. --adapter software runs on the CPU.`);
  }
  const launched = await launch(optionsFor(true));
  if (!launched)
    throw new NoBrowserError(
      `${executablePath} gives no WebGPU adapter, not even the software one. It may be too old: Chrome has it since version 121, Firefox since 141.`,
    );
  return launched;
}

async function launch(options: LaunchOptions): Promise<LaunchedBrowser | undefined> {
  exitOnSignals(); // Puppeteer kills its browser when this process exits; at a signal it would kill the browser alone
  const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const userDataDir = profile();
  const browser = await puppeteer
    .launch({ ...options, ...signals, userDataDir, headless: true, protocolTimeout: 0 })
    .catch((error: unknown) => {
      throw new NoBrowserError(`${options.executablePath} did not start: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    });
  browser.once(
    'disconnected',
    () => void rm(userDataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }).catch(() => {}),
  );
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

/** Folders of browsers' profiles. */
const profiles = new Set<string>();

function removeProfiles(): void {
  for (const folder of profiles) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** Puppeteer kills its browser in a listener of its own, and only then can the profile go: this one stays the last. */
function stayLast(event: string | symbol, listener: unknown): void {
  if (event !== 'exit' || listener === removeProfiles) return;
  queueMicrotask(() => process.removeListener('exit', removeProfiles).on('exit', removeProfiles));
}

/** A folder for a browser's profile, which goes when this process exits. */
function profile(): string {
  const events: NodeJS.EventEmitter = process;
  if (!events.listeners('newListener').includes(stayLast)) events.on('exit', removeProfiles).on('newListener', stayLast);
  const folder = mkdtempSync(join(tmpdir(), 'facexformer-browser-'));
  profiles.add(folder);
  return folder;
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
