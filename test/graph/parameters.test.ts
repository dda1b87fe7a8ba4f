/** Weights on their way to the GPU, on a device that is none. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Checkpoint, ReadOptions, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { float32Of } from '../../src/checkpoint/float16.ts';
import { Graph } from '../../src/graph/graph.ts';
import { Parameters } from '../../src/graph/parameters.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { l2Normalise } from '../../src/kernels/l2Normalise.ts';

beforeAll(() => void vi.stubGlobal('GPUBufferUsage', { STORAGE: 128, COPY_DST: 8 }));

/** A GPU with room for so many bytes of buffers; what is beyond is told as WebGPU does, later and to a scope. */
class FakeDevice {
  buffers: { label: string; size: number; destroyed: boolean; bytes: ArrayBuffer; writes: ArrayBuffer[] }[] = [];
  /** Bytes of what was written before each submit. */
  submits: number[] = [];
  #written = 0;
  #failed: (string | undefined)[] = [];
  constructor(readonly room: number) {}
  readonly queue = {
    writeBuffer: (buffer: FakeDevice['buffers'][number], at: number, values: ArrayBuffer, first: number, bytes: number) => {
      expect(bytes % 4).toBe(0);
      new Uint8Array(buffer.bytes).set(new Uint8Array(values, first, bytes), at);
      buffer.writes.push(values);
      this.#written += bytes;
    },
    submit: () => {
      this.submits.push(this.#written);
      this.#written = 0;
    },
  };
  createBuffer({ label, size, mappedAtCreation = false }: { label: string; size: number; mappedAtCreation?: boolean }) {
    expect(mappedAtCreation).toBe(false);
    const buffer = {
      label,
      size,
      destroyed: false,
      bytes: new ArrayBuffer(size),
      writes: [],
      destroy() {
        buffer.destroyed = true;
      },
    };
    this.buffers.push(buffer);
    const taken = this.buffers.reduce((sum, one) => sum + one.size, 0);
    if (taken > this.room) this.#failed = this.#failed.map(() => label);
    return buffer;
  }
  pushErrorScope() {
    this.#failed.push(undefined);
  }
  async popErrorScope() {
    const label = this.#failed.pop();
    return label === undefined ? null : { message: `no memory for ${label}` };
  }
}

const info = (name: string): TensorInfo => ({ name, dtype: 'F32', shape: [64], bytes: 256 });

function checkpointOf(...names: string[]): Checkpoint {
  async function* read({ onProgress }: ReadOptions = {}) {
    for (const [i, name] of names.entries()) {
      yield { info: info(name), data: new Uint8Array(256) };
      onProgress?.(256 * (i + 1), 256 * names.length);
    }
  }
  return { source: 'a test', tensors: new Map(names.map((name) => [name, info(name)])), read, rereadable: true };
}

function parametersOf(room: number) {
  const device = new FakeDevice(room);
  const graph = new Graph();
  const wanted = ['a', 'b', 'c'].map((name) => graph.parameter(name, [name], 64, 'f32', (into, [from]) => into.set(from)));
  return { device, wanted, parameters: new Parameters(device as unknown as GPUDevice) };
}

describe('Parameters.load', () => {
  it('makes a buffer of each parameter', async () => {
    const { device, wanted, parameters } = parametersOf(1000);
    await parameters.load(wanted, checkpointOf('c', 'a', 'b'));
    expect(device.buffers.map(({ label }) => label)).toEqual(['c', 'a', 'b']);
    expect(parameters.bytes).toBe(768);
  });

  it('ends with LIMIT where the GPU has no memory for one of them, though buffers fill all the same', async () => {
    const { device, wanted, parameters } = parametersOf(700);
    await expect(parameters.load(wanted, checkpointOf('a', 'b', 'c'))).rejects.toMatchObject({
      name: 'FaceXFormerError',
      code: 'LIMIT',
      message: expect.stringMatching(/no memory for 768 bytes of weights/),
    });
    parameters.destroy();
    expect(device.buffers.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('makes nothing more once its signal is aborted, whether the checkpoint minds it or not', async () => {
    const { device, wanted, parameters } = parametersOf(1000);
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    await expect(parameters.load(wanted, checkpointOf('a', 'b', 'c'), { signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(device.buffers.length).toBe(1);
  });

  it.each(['f32', 'f16'] as const)('fills ordinary memory, and has each parameter copied once, in %s', async (dtype) => {
    const device = new FakeDevice(1000);
    const filled = new Set<ArrayBufferLike>();
    const graph = new Graph();
    const wanted = [64, 63, 1].map((length, i) =>
      graph.parameter(`${i}`, ['abc'[i] as string], length, dtype, (into) => {
        filled.add(into.buffer);
        for (let i = 0; i < into.length; i++) into[i] = i;
      }),
    );
    await new Parameters(device as unknown as GPUDevice).load(wanted, checkpointOf('a', 'b', 'c'));
    expect(device.buffers.map(({ writes }) => writes.length)).toEqual([1, 1, 1]);
    if (dtype === 'f32') expect(device.buffers.every(({ writes }) => filled.has(writes[0] as ArrayBuffer))).toBe(true);
    expect(filled.size).toBe(1);
    for (const [i, { bytes }] of device.buffers.entries()) {
      const length = [64, 63, 1][i] as number;
      const numbers = Array.from({ length }, (_, n) => n);
      if (dtype === 'f32') expect([...new Float32Array(bytes, 0, length)]).toEqual(numbers);
      else expect([...float32Of(new Uint16Array(bytes, 0, length))]).toEqual(numbers);
    }
  });

  it('lets the queue go on before more than a few megabytes wait for it', async () => {
    const device = new FakeDevice(Number.POSITIVE_INFINITY);
    const graph = new Graph();
    const names = Array.from({ length: 20 }, (_, i) => `${i}`);
    const wanted = names.map((name) => graph.parameter(name, [name], 2 ** 20, 'f32', () => {}));
    await new Parameters(device as unknown as GPUDevice).load(wanted, checkpointOf(...names));
    expect(device.submits).toEqual(Array.from({ length: 5 }, () => 2 ** 24));
  });

  it('leaves zeros where nothing is filled in, whatever was made before, and keeps each parameter from the next', async () => {
    const { device, parameters } = parametersOf(4096);
    const graph = new Graph();
    const filled = (name: string, length: number, count: number) =>
      graph.parameter(name, [name], length, 'f32', (into) => void into.fill(count, 0, count));
    await parameters.load([filled('a', 64, 64), filled('b', 32, 3), filled('c', 128, 5)], checkpointOf('a', 'b', 'c'));
    const expected = [64, 32, 128].map((length, i) => new Float32Array(length).fill([64, 3, 5][i] as number, 0, [64, 3, 5][i]));
    expect(device.buffers.map(({ bytes }) => new Float32Array(bytes))).toEqual(expected);
  });

  it('lets others work every few milliseconds, however long a parameter takes', async () => {
    let clock = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const { parameters } = parametersOf(1000);
    const long = new Graph().parameter('long', ['a'], 64, 'f32', function* () {
      for (let step = 0; step < 100; step++) {
        clock += 5;
        yield;
      }
    });
    const seen: number[] = [0];
    const looks = new MessageChannel();
    looks.port1.onmessage = () => {
      seen.push(clock);
      looks.port2.postMessage(undefined);
    };
    looks.port2.postMessage(undefined);
    await parameters.load([long], checkpointOf('a')).finally(() => {
      looks.port1.close();
      now.mockRestore();
    });
    expect(clock).toBe(500);
    expect(Math.max(...[...seen, clock].slice(1).map((time, i) => time - (seen[i] as number)))).toBeLessThan(50);
  });

  it('makes parameters of several tensors, whatever their order, from a reader that writes each where the other was', async () => {
    const lengths = { a: 4, b: 6, c: 4, d: 5, e: 9, f: 5, g: 3, unread: 3 };
    type Name = keyof typeof lengths;
    const names = Object.keys(lengths) as Name[];
    const numberOf = (name: Name) => names.indexOf(name) + 1;
    const wanted: Name[][] = [['a', 'b'], ['b', 'c'], ['d'], ['e', 'a', 'c'], ['f', 'g'], []];
    const filled = (from: readonly Name[]) => from.flatMap((name) => Array.from({ length: lengths[name] }, () => numberOf(name)));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(names, { minLength: names.length }), async (order) => {
        const infoOf = (name: string, length: number, dtype: 'F32' | 'I64' = 'F32'): TensorInfo => ({
          ...info(name),
          dtype,
          shape: [length],
        });
        async function* read() {
          const room = new Float32Array(16);
          yield { info: infoOf('index', 1, 'I64'), data: new Uint8Array(8).fill(255) };
          for (const name of order) {
            const data = room.fill(Number.NaN).fill(numberOf(name), 0, lengths[name]).subarray(0, lengths[name]);
            yield { info: infoOf(name, lengths[name]), data: new Uint8Array(data.buffer, 0, data.byteLength) };
          }
        }
        const { device, parameters } = parametersOf(4096);
        const graph = new Graph();
        const each = wanted.map((from) =>
          graph.parameter(`of ${from}`, from, filled(from).length + 1, 'f32', (into, sources) => {
            into.set([7, ...(sources as Float32Array[]).flatMap((source) => [...source])]);
          }),
        );
        await parameters.load(each, { ...checkpointOf(), read });
        const made = new Map(device.buffers.map(({ label, bytes }) => [label, new Float32Array(bytes)]));
        for (const from of wanted) {
          const numbers = [7, ...filled(from)];
          expect([...(made.get(`of ${from}`) ?? [])].slice(0, numbers.length)).toEqual(numbers);
        }
      }),
    );
  });

  it.each(['a', 'read by nobody'])('refuses what is no number in a tensor, %s, and in what is made of several', async (name) => {
    const { wanted, parameters } = parametersOf(1000);
    async function* read() {
      yield { info: info(name), data: new Uint8Array(256).fill(255) };
    }
    const refused = { code: expect.stringMatching(/^(WRONG_WEIGHTS|BAD_WEIGHTS_FILE)$/), message: expect.stringContaining(name) };
    await expect(parameters.load(wanted, { ...checkpointOf(), read })).rejects.toMatchObject(refused);
    const root = new Graph().parameter('root', ['a'], 64, 'f32', (into) => void into.fill(Math.sqrt(-1)));
    await expect(parameters.load([root], checkpointOf('a'))).rejects.toMatchObject({ message: expect.stringContaining('root') });
  });

  it('names what a checkpoint lacks', async () => {
    const { wanted, parameters } = parametersOf(1000);
    await expect(parameters.load(wanted, checkpointOf('a', 'b'))).rejects.toMatchObject({ code: 'WRONG_WEIGHTS' });
  });
});

it('one name is one parameter, and of one size', () => {
  const graph = new Graph();
  const fill = () => {};
  expect(graph.parameter('a', ['a'], 64, 'f32', fill)).toBe(graph.parameter('a', ['a'], 64, 'f32', fill));
  expect(() => graph.parameter('a', ['a'], 65, 'f32', fill)).toThrow(/two parameters/);
  expect(() => graph.parameter('a', ['a'], 64, 'f16', fill)).toThrow(/two parameters/);
});

it('a node reads what its kernel binds, and a plan gives what the graph has', () => {
  const graph = new Graph();
  const x = graph.parameter('x', [], 4, 'f32', () => {});
  expect(() => graph.add('n', l2Normalise, { length: 4 }, {}, [1, 4])).toThrow(/l2Normalise takes x/);
  expect(() => graph.add('n', l2Normalise, { length: 4 }, { x, w: x }, [1, 4])).toThrow(/l2Normalise takes x/);
  expect(() => makePlan(graph, ['y'])).toThrow(/no output y/);
});
