/** A page of our own in the browser: a TypeScript module bundled, served on this machine and opened; Node calls its exports. */
import { build, type Plugin } from 'esbuild';
import type { Browser, Page } from 'puppeteer';
import { root } from '../root.ts';
import { wgslForEsbuild } from '../wgsl.mjs';
import { type Route, serve } from './serve.ts';

export interface OpenPage {
  readonly page: Page;
  /** `http://127.0.0.1:PORT/`, where the page and its routes are. */
  readonly url: string;
  /** What the page complained about: console errors, errors nobody caught, crashes. */
  readonly complaints: string[];
  /** Calls a function that the module exports; arguments and result travel as JSON. What it throws is thrown here, with `code` where it had one. */
  call<Result>(name: string, ...args: readonly unknown[]): Promise<Result>;
  /** Takes what the page sent by `fetch('/post/NAME', { method: 'POST', body })`; undefined when nothing came. */
  received(name: string): Buffer | undefined;
  close(): Promise<void>;
}

/** A module's text as one script for the browser, from the sources as they stand. Its imports begin at the project's folder: `./src/index.ts`. */
export async function bundleForPage(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `import * as exported from 'module'; globalThis.exported = exported;`, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [wgslForEsbuild, moduleFrom(source)],
  });
  return outputFiles[0]?.text ?? '';
}

function moduleFrom(source: string): Plugin {
  return {
    name: 'module',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^module$/ }, () => ({ path: 'module', namespace: 'module' }));
      onLoad({ filter: /^module$/, namespace: 'module' }, () => ({ contents: source, resolveDir: root, loader: 'ts' }));
    },
  };
}

/** Opens a page with the exports of a module (its text, see {@link bundleForPage}) ready; `routes` are served beside it. */
export async function openPage(browser: Browser, source: string, routes: Readonly<Record<string, Route>> = {}): Promise<OpenPage> {
  const posted = new Map<string, Buffer>();
  const server = await serve({
    '/': { body: '<!doctype html><meta charset="utf-8"><title>facexformer</title><link rel="icon" href="data:,">', type: 'text/html' },
    '/entry.js': { body: await bundleForPage(source), type: 'text/javascript' },
    '/post/': { receive: (body, path) => posted.set(path.slice('/post/'.length), body) },
    ...routes,
  });
  browser.once('disconnected', () => void server.close()); // a browser that crashed must not leave Node waiting
  const page = await browser.newPage();
  const complaints = complaintsOf(page);
  await page.goto(server.url);
  await page.addScriptTag({ url: '/entry.js', type: 'module' });
  await page.waitForFunction('globalThis.exported !== undefined');
  return {
    page,
    url: server.url,
    complaints,
    call: (name, ...args) => callExported(page, name, args),
    received(name) {
      const body = posted.get(name);
      posted.delete(name);
      return body;
    },
    async close() {
      await page.close();
      await server.close();
    },
  };
}

/** A list that grows by whatever the page complains about from now on. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`not caught: ${error instanceof Error ? error.message : error}`));
  page.on('error', (error) => complaints.push(`the page crashed: ${error.message}`));
  return complaints;
}

declare global {
  /** What the page's module exports. */
  var exported: Readonly<Record<string, (...args: readonly unknown[]) => unknown>> | undefined;
}

/** An error that the page's code threw. */
export class PageError extends Error {
  override readonly name = 'PageError';
  constructor(
    message: string,
    /** `FaceXFormerError.code` where it was one. */
    readonly code: string | undefined,
    readonly stackInPage: string | undefined,
  ) {
    super(message);
  }
}

async function callExported<Result>(page: Page, name: string, args: readonly unknown[]): Promise<Result> {
  const outcome = await page.evaluate(
    async (name, args) => {
      try {
        const called = globalThis.exported?.[name];
        if (!called) throw new Error(`the page's module exports no ${name}`);
        return { value: await called(...args) };
      } catch (error) {
        if (!(error instanceof Error)) return { thrown: { message: String(error), code: undefined, stack: undefined } };
        const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
        return { thrown: { message: error.message, code, stack: error.stack } };
      }
    },
    name,
    args as unknown[],
  );
  if (outcome.thrown) throw new PageError(outcome.thrown.message, outcome.thrown.code, outcome.thrown.stack);
  return outcome.value as Result;
}
