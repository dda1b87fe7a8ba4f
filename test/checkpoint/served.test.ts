/** Weights as the world serves and hands them: packed, behind signatures, in one segment, from other realms, from storage that hangs. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCheckpoint, type WeightsSource } from '../../src/checkpoint/open.ts';
import { codeOf } from '../errors.ts';
import { fileOf } from './files.ts';

const FLOATS = 40_000;
const file = fileOf({ w: { dtype: 'F32', shape: [FLOATS], data_offsets: [0, 4 * FLOATS] } }, 4 * FLOATS);
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const CHUNK = 65536;
const chunks = Array.from({ length: Math.ceil(file.length / CHUNK) }, (_, i) => hash(file.subarray(i * CHUNK, (i + 1) * CHUNK)));
const files = [{ name: 'model.safetensors', bytes: file.length, sha256: hash(file), chunks }];
const config = new TextEncoder().encode(JSON.stringify({ chunk_bytes: CHUNK, files }));
const quick = { cache: false, retry: { tries: 1, delay: 1 } };

async function lengthOf(source: WeightsSource, options: object = {}): Promise<number> {
  const { openCheckpoint: open } = await import('../../src/checkpoint/open.ts');
  let length = 0;
  for await (const { data } of (await open(source, options)).read()) length += data.length;
  return length;
}

/** An answer as fetch gives it for another origin, whose length is of what was packed. */
function packed(body: Uint8Array<ArrayBuffer>, length = 1234): Response {
  const response = new Response(body, { headers: { 'content-length': String(length) } });
  return Object.defineProperty(response, 'type', { value: 'cors' });
}

describe('another origin that packs its answers', () => {
  it('whose length is not that of the file, as one file and as hosted weights', async () => {
    for (const length of [1, 1234, file.length + 1]) {
      const fetch = async (url: unknown) => packed(String(url).includes('config.json') ? config : file, length);
      expect(await lengthOf('https://cdn.example/w.safetensors', { ...quick, fetch })).toBe(4 * FLOATS);
      expect(await lengthOf('https://cdn.example/h/', { ...quick, fetch })).toBe(4 * FLOATS);
    }
  });

  it('is still told from one that breaks off', async () => {
    const fetch = async () => packed(file.slice(0, -1));
    expect(await codeOf(() => lengthOf('https://cdn.example/w.safetensors', { fetch }))).toBe('BAD_WEIGHTS_FILE');
  });
});

describe('hosted weights', () => {
  const hosted = () => {
    const asked: string[] = [];
    const fetch = async (url: unknown) => {
      asked.push(String(url));
      return new Response(String(url).includes('config.json') ? config : file);
    };
    return { asked, fetch };
  };

  it.each([
    ['https://store.example/h/?sv=1&sig=abc', 'https://store.example/h/model.safetensors?sv=1&sig=abc'],
    ['https://store.example/h/config.json?sig=a%2Fb#x', 'https://store.example/h/model.safetensors?sig=a%2Fb'],
    ['https://store.example/o/dir%2Fh%2F?alt=media', 'https://store.example/o/dir%2Fh%2Fmodel.safetensors?alt=media'],
    ['https://store.example/o/dir%2fconfig.json?alt=media', 'https://store.example/o/dir%2fmodel.safetensors?alt=media'],
    ['https://store.example/h/', 'https://store.example/h/model.safetensors'],
  ])('at %s are asked for at %s', async (address, expected) => {
    const { asked, fetch } = hosted();
    expect(await lengthOf(address, { ...quick, fetch })).toBe(4 * FLOATS);
    expect(asked[1]).toBe(expected);
  });

  it('keep what is secret in an address out of errors, sources and causes', async () => {
    const refusals: ((url: unknown) => Promise<Response>)[] = [
      async () => new Response('', { status: 403 }),
      async () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      async () => new Response('{}'),
      async (url) => Promise.reject(new TypeError(`Request cannot be constructed from a URL that includes credentials: ${url}`)),
      async (url) => new Response(String(url).includes('config.json') ? config : new Uint8Array(file.length)),
      async (url) => new Response(String(url).includes('config.json') ? config : file.slice(0, 70_000)),
      async (url) => (String(url).includes('config.json') ? new Response(config) : new Response('', { status: 404 })),
    ];
    for (const fetch of refusals)
      for (const address of [
        'https://user:SECRET@store.example/h/?sig=SECRET',
        'https://SECRET@store.example/w.safetensors?SECRET#SECRET',
      ]) {
        const error = await lengthOf(address, { ...quick, fetch }).catch((error: unknown) => error);
        expect(error).toMatchObject({ name: 'FaceXFormerError' });
        expect(inspect(error, { depth: 9 })).not.toContain('SECRET');
      }
    const { fetch } = hosted();
    expect((await openCheckpoint('https://u:SECRET@store.example/h/?SECRET', { ...quick, fetch })).source).toBe(
      'https://store.example/h/model.safetensors',
    );
  });
});

it('what a browser says as a sentence is said within ours', async () => {
  const fetch = async () => Promise.reject(new TypeError('NetworkError when attempting to fetch resource.'));
  for (const address of ['https://store.example/h/', 'https://store.example/w.safetensors'])
    await expect(lengthOf(address, { ...quick, fetch })).rejects.toMatchObject({
      code: 'WEIGHTS_UNREACHABLE',
      message: expect.stringContaining('to fetch resource. Check the address'),
    });
});

describe('bytes of any kind', () => {
  const realm = runInNewContext('({ ArrayBuffer, Uint8Array, ReadableStream: undefined })') as {
    ArrayBuffer: ArrayBufferConstructor;
    Uint8Array: Uint8ArrayConstructor;
  };
  const foreign = new realm.Uint8Array(file);
  const resizable = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(file.length, {
    maxByteLength: 2 * file.length,
  });
  new Uint8Array(resizable).set(file);
  const shared = new SharedArrayBuffer(file.length);
  new Uint8Array(shared).set(file);
  const pieces = (bytes: Uint8Array) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 50_000) controller.enqueue(bytes.subarray(at, at + 50_000));
        controller.close();
      },
    });

  it.each<[string, () => WeightsSource]>([
    ["another realm's Uint8Array", () => foreign],
    ["another realm's ArrayBuffer", () => foreign.buffer as ArrayBuffer],
    ["a stream of another realm's Uint8Arrays", () => pieces(foreign)],
    ['a Blob whose prototype is not ours', () => Object.setPrototypeOf(new Blob([file]), Object.create(Blob.prototype))],
    ['a resizable buffer', () => resizable],
    ['a view of a resizable buffer', () => new Uint8Array(resizable)],
    ['a shared buffer', () => new Uint8Array(shared)],
    ['a stream of views of a resizable buffer', () => pieces(new Uint8Array(resizable))],
    ['a Buffer', () => Buffer.from(file)],
  ])('%s', async (_, source) => expect(await lengthOf(source())).toBe(4 * FLOATS));

  it('that are gone are a typed error, when they are given and when they are read', async () => {
    const gone = file.slice();
    structuredClone(gone, { transfer: [gone.buffer] });
    expect(await codeOf(() => openCheckpoint(gone.buffer))).toBe('BAD_OPTION');
    expect(['BAD_OPTION', 'BAD_WEIGHTS_FILE']).toContain(await codeOf(() => openCheckpoint(gone)));
    const later = file.slice();
    const checkpoint = await openCheckpoint(later.buffer);
    for await (const _ of checkpoint.read()) break;
    structuredClone(later, { transfer: [later.buffer] });
    expect(await codeOf(async () => checkpoint.read()[Symbol.asyncIterator]().next())).toBe('BAD_OPTION');
  });

  it('with a controller, or anything else, as the signal', async () => {
    for (const signal of [new AbortController(), {}, 'x', null] as unknown as AbortSignal[])
      expect(await codeOf(() => openCheckpoint(file, { signal }))).toBe('BAD_OPTION');
    const checkpoint = await openCheckpoint(file);
    const signal = new AbortController() as unknown as AbortSignal;
    expect(await codeOf(async () => checkpoint.read({ signal })[Symbol.asyncIterator]().next())).toBe('BAD_OPTION');
  });
});

describe('storage that is emptied by others', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });
  const gone = () => Promise.reject(new DOMException('A requested file or directory could not be found.', 'NotFoundError'));
  class Folder {
    constructor(readonly files: Handle[] = []) {}
    async *values() {
      yield* this.files;
    }
    async *entries() {
      yield* KEPT;
    }
    removeEntry = gone;
  }
  class Handle {
    constructor(readonly getFile: () => Promise<unknown>) {}
    createWritable() {}
  }
  const of = (size: number) => new Handle(async () => ({ size }));
  const KEPT: [string, Folder][] = [
    ['0'.repeat(64), new Folder([of(1), new Handle(gone)])],
    ['1'.repeat(64), new Folder([of(3), of(4)])],
  ];

  it.each<[string, object, object[]]>([
    [
      'in parts',
      new Folder(),
      [
        { sha256: '0'.repeat(64), bytes: 1 },
        { sha256: '1'.repeat(64), bytes: 7 },
      ],
    ],
    ['altogether', Object.assign(new Folder(), { entries: () => ({ [Symbol.asyncIterator]: () => ({ next: gone }) }) }), []],
  ])('%s lists what is left, and is cleared', async (_, root, left) => {
    vi.resetModules();
    vi.stubGlobal('FileSystemFileHandle', Handle);
    vi.stubGlobal('FileSystemDirectoryHandle', Folder);
    vi.stubGlobal('navigator', { storage: { getDirectory: async () => ({ getDirectoryHandle: async () => root }) } });
    const { weightCache } = await import('../../src/checkpoint/cache.ts');
    expect(await weightCache.list()).toEqual(left);
    await weightCache.clear();
  });
});

describe('storage that never answers', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });
  const never = vi.fn(() => new Promise<never>(() => {}));
  const fetch = async (url: unknown) => new Response(String(url).includes('config.json') ? config : file);
  const directory = (of: object) => ({ getDirectory: async () => ({ getDirectoryHandle: async () => of }) });
  /** How often silence is asked, the Cache API's included, and the store. */
  const STORES: Record<string, [asked: number, navigator: object]> = {
    'OPFS that does not open': [2, { storage: { getDirectory: never } }],
    'OPFS whose folder does not open': [2, { storage: { getDirectory: async () => ({ getDirectoryHandle: never }) } }],
    'OPFS without files': [1, { storage: directory({ getDirectoryHandle: async () => ({ getFileHandle: never }) }) }],
    'OPFS that cannot be written': [
      1,
      {
        storage: directory({
          getDirectoryHandle: async (_: string, o?: object) => (o ? { getFileHandle: async () => ({ createWritable: never }) } : undefined),
        }),
      },
    ],
  };

  it.each(Object.entries(STORES))('%s is gone round, and asked no more', async (_, [asked, navigator]) => {
    vi.resetModules();
    const { STORE_PATIENCE } = await import('../../src/checkpoint/store.ts');
    Object.assign(STORE_PATIENCE, { opening: 50, answering: 50, finding: 50 });
    vi.stubGlobal('navigator', navigator);
    vi.stubGlobal(
      'FileSystemFileHandle',
      class {
        createWritable() {}
      },
    );
    vi.stubGlobal('caches', { open: never });
    never.mockClear();
    for (const address of ['https://store.example/h/', 'https://store.example/w.safetensors']) {
      const begin = performance.now();
      expect(await lengthOf(address, { retry: quick.retry, fetch })).toBe(4 * FLOATS);
      expect(performance.now() - begin).toBeLessThan(4000);
    }
    const { weightCache } = await import('../../src/checkpoint/cache.ts');
    expect((await weightCache.list()).length).toBe(asked === 2 ? 2 : 0); // kept in memory, or nowhere
    await weightCache.clear();
    expect(never.mock.calls.length).toBe(asked);
  });

  it('an abort is heard meanwhile', async () => {
    vi.resetModules();
    vi.stubGlobal('navigator', { storage: { getDirectory: never } });
    vi.stubGlobal(
      'FileSystemFileHandle',
      class {
        createWritable() {}
      },
    );
    vi.stubGlobal('caches', { open: never });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const begin = performance.now();
    for (const address of ['https://store.example/h/', 'https://store.example/w.safetensors'])
      await expect(lengthOf(address, { fetch, signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(performance.now() - begin).toBeLessThan(500);
  });
});
