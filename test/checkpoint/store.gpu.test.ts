/** Hosted weights in a real browser, from another origin: kept in OPFS, in the Cache API, or in memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenPage, useBrowser } from '../browser.ts';
import { entry, fileOf } from './files.ts';
import { CHUNK_BYTES, type HostedServer, hostedServer, sha256 } from './hosted-server.ts';

const open = useBrowser();
const data = new Uint8Array(CHUNK_BYTES * 3).map((_, i) => (i * 7 + (i >> 10)) & 255);
const file = fileOf(
  { a: entry('U8', [CHUNK_BYTES], [0, CHUNK_BYTES]), b: entry('U8', [CHUNK_BYTES * 2], [CHUNK_BYTES, CHUNK_BYTES * 3]) },
  data,
);
const right = { a: sha256(data.subarray(0, CHUNK_BYTES)), b: sha256(data.subarray(CHUNK_BYTES)) };

describe.each([
  ['opfs', []],
  ['cache', ['opfs']],
  ['memory', ['cache']],
] as const)('weights kept in %s', (kind, missing) => {
  let server: HostedServer;
  let opened: OpenPage;
  beforeAll(async () => {
    server = await hostedServer({ 'model.safetensors': file });
    opened = await open("export * from './test/checkpoint/store.page.ts'");
    await prepare();
  });
  afterAll(async () => {
    await opened.call('clear');
    await opened.close();
    await server.close();
  });
  const prepare = async () => {
    for (const store of missing) await opened.call('without', store);
  };
  const visitAgain = async () => {
    await opened.page.reload();
    await opened.page.addScriptTag({ url: '/entry.js', type: 'module' });
    await opened.page.waitForFunction('globalThis.exported !== undefined');
    await prepare();
  };

  it('load, and are listed', async () => {
    expect(await opened.call('kind')).toBe(kind);
    expect(await opened.call('load', server.url)).toEqual(right);
    expect(server.requests).toEqual(['config.json 0', 'model.safetensors 0']);
    expect(await opened.call('list')).toEqual([{ sha256: sha256(file), bytes: file.length }]);
  });

  it('load again without any request, in the next visit too where they outlive the page', async () => {
    server.requests.length = 0;
    if (kind !== 'memory') await visitAgain();
    expect(await opened.call('kind')).toBe(kind);
    expect(await opened.call('load', server.url)).toEqual(right);
    expect(server.requests).toEqual([]);
  });

  it('are fetched anew where they were damaged, and only there', async () => {
    await opened.call('damage', sha256(file), 1);
    expect(await opened.call('load', server.url)).toEqual(right);
    expect(server.requests).toEqual([`model.safetensors ${CHUNK_BYTES}`]);
  });

  it('resume where the connection broke off', async () => {
    await opened.call('remove', sha256(file));
    expect(await opened.call('list')).toEqual([]);
    server.requests.length = 0;
    server.mischief = ({ count }, response) => {
      if (count !== 1) return false;
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, CHUNK_BYTES + 5000), () => setTimeout(() => response.destroy(), 50));
      return true;
    };
    expect(await opened.call('load', server.url)).toEqual(right);
    expect(server.requests).toEqual(['model.safetensors 0', `model.safetensors ${CHUNK_BYTES}`]);
  });

  it('are gone when cleared', async () => {
    await opened.call('clear');
    expect(await opened.call('list')).toEqual([]);
    server.requests.length = 0;
    server.mischief = () => false;
    expect(await opened.call('load', server.url)).toEqual(right);
    expect(server.requests).toEqual(['config.json 0', 'model.safetensors 0']);
  });

  it('are kept as a single file too: no byte of it is downloaded again', async () => {
    await opened.call('clear');
    server.requests.length = 0;
    const url = `${server.url}model.safetensors`;
    expect(await opened.call('load', url)).toEqual(right);
    if (kind !== 'memory') await visitAgain();
    expect(await opened.call('load', url)).toEqual(right);
    expect(server.requests).toEqual(['model.safetensors 0', 'HEAD model.safetensors 0']);
    expect(await opened.call('list')).toEqual([{ address: url, bytes: file.length }]);
  });

  it('are downloaded once by loads at the same time, in this page and in another tab of its origin', async () => {
    await opened.call('clear');
    server.requests.length = 0;
    server.mischief = (_, response) => {
      response.writeHead(200, { 'content-length': file.length, etag: '"one"' });
      response.write(file.subarray(0, 1000));
      setTimeout(() => response.end(file.subarray(1000)), 1000);
      return true;
    };
    const url = `${server.url}model.safetensors`;
    const loads = [opened.call('load', url), opened.call('load', url)];
    if (kind === 'opfs') {
      const tab = await opened.page.browser().newPage();
      await tab.goto(opened.page.url());
      await tab.addScriptTag({ url: '/entry.js', type: 'module' });
      await tab.waitForFunction('globalThis.exported !== undefined');
      loads.push(tab.evaluate(`exported.load(${JSON.stringify(url)})`));
    }
    for (const load of loads) expect(await load).toEqual(right);
    server.mischief = () => false;
    expect(server.requests.filter((request) => !/HEAD/.test(request))).toEqual(['model.safetensors 0']);
  });
});
