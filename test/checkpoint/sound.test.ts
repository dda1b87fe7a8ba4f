/** Checkpoints of an app's own making, and weights that are none. */
import { describe, expect, it } from 'vitest';
import type { Checkpoint, Dtype, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { mustBeFinite } from '../../src/checkpoint/float16.ts';
import { inFloat32 } from '../../src/checkpoint/values.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { Parameters } from '../../src/graph/parameters.ts';
import { codeOf } from '../errors.ts';

const info = (name: string, count: number, dtype: Dtype = 'F32', size = 4): TensorInfo => ({
  name,
  dtype,
  shape: [count],
  bytes: size * count,
});
const one = info('linear.weight', 2);
const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** A checkpoint that lists `listed` and gives what `given` yields. */
const checkpointOf = (given: () => AsyncGenerator<unknown>, listed: readonly TensorInfo[] = [one]): Checkpoint => ({
  source: 'mine',
  tensors: new Map(listed.map((each) => [each.name, each])),
  rereadable: true,
  read: given as Checkpoint['read'],
});

const read = async (checkpoint: Checkpoint) => {
  for await (const _ of inFloat32(checkpoint).read());
};

const WRONG: Record<string, [checkpoint: () => Checkpoint, code: string, message: RegExp]> = {
  'a tensor too short': [
    () =>
      checkpointOf(async function* () {
        yield { info: one, data: new Uint8Array(4) };
      }),
    'WRONG_WEIGHTS',
    /mine gives 4 bytes as linear\.weight, which has 8/,
  ],
  'a tensor too long': [
    () =>
      checkpointOf(async function* () {
        yield { info: one, data: new Uint8Array(12) };
      }),
    'WRONG_WEIGHTS',
    /12 bytes/,
  ],
  'float16 too short': [
    () =>
      checkpointOf(
        async function* () {
          yield { info: info('h', 4, 'F16', 2), data: new Uint8Array(3) };
        },
        [info('h', 4, 'F16', 2)],
      ),
    'WRONG_WEIGHTS',
    /3 bytes/,
  ],
  'a tensor that is not listed': [
    () =>
      checkpointOf(async function* () {
        yield { info: info('other', 2), data: bytes(1, 2) };
      }),
    'WRONG_WEIGHTS',
    /"other", which it does not list/,
  ],
  'a tensor twice': [
    () =>
      checkpointOf(async function* () {
        yield { info: one, data: bytes(1, 2) };
        yield { info: one, data: bytes(1, 2) };
      }),
    'WRONG_WEIGHTS',
    /gave before/,
  ],
  'no bytes': [
    () =>
      checkpointOf(async function* () {
        yield { info: one, data: [1, 2] };
      }),
    'WRONG_WEIGHTS',
    /not a Uint8Array/,
  ],
  'numbers for bytes': [
    () =>
      checkpointOf(async function* () {
        yield { info: one, data: Float32Array.of(1, 2) };
      }),
    'WRONG_WEIGHTS',
    /Float32Array/,
  ],
  'a read that throws': [
    () =>
      checkpointOf(() => {
        throw new Error('no disk');
      }),
    'WEIGHTS_UNREACHABLE',
    /no disk/,
  ],
  'a read that fails later': [
    () =>
      checkpointOf(async function* () {
        yield { info: one, data: bytes(1, 2) };
        throw new RangeError('cable');
      }),
    'WEIGHTS_UNREACHABLE',
    /cable/,
  ],
  'a read that gives nothing to iterate': [() => checkpointOf(() => 7 as never), 'WEIGHTS_UNREACHABLE', /could not be read/],
  'a tensor of nothing': [
    () =>
      checkpointOf(async function* () {
        yield undefined;
      }),
    'WEIGHTS_UNREACHABLE',
    /could not be read/,
  ],
};

describe('a checkpoint of an app’s own', () => {
  it.each(Object.keys(WRONG))('with %s is refused', async (name) => {
    const [checkpoint, code, message] = WRONG[name] as (typeof WRONG)[string];
    await expect(read(checkpoint())).rejects.toMatchObject({ name: 'FaceXFormerError', code, message: expect.stringMatching(message) });
  });

  it('that lists what is no tensor is refused before it is read', () => {
    for (const listed of [
      { ...one, bytes: 7 },
      { ...one, shape: [-2] },
      { ...one, dtype: 'F5' as Dtype },
      { ...one, shape: [2 ** 60] },
      { ...one, shape: [-2, -1] },
      { ...one, shape: [0.5, 4] },
    ])
      expect(codeOf(() => inFloat32(checkpointOf(async function* () {}, [listed])))).toBe('BAD_OPTION');
    const misnamed = { ...checkpointOf(async function* () {}), tensors: new Map([['linear.bias', one]]) };
    expect(codeOf(() => inFloat32(misnamed))).toBe('BAD_OPTION');
    expect(inFloat32(checkpointOf(async function* () {}, [info('empty', 0)])).tensors.size).toBe(1);
  });

  it('is written no other than it says', async () => {
    const short = checkpointOf(async function* () {
      yield { info: one, data: new Uint8Array(4) };
    });
    const drained = async () => {
      for await (const _ of safetensorsBytes(short));
    };
    expect(await codeOf(drained)).toBe('WRONG_WEIGHTS');
  });

  it('lets the caller’s own error through as it is', async () => {
    const own = new Error('mine');
    const checkpoint = checkpointOf(async function* (options?: { onProgress?: (loaded: number, total: number) => void }) {
      options?.onProgress?.(0, 1);
      yield { info: one, data: bytes(1, 2) };
    } as never);
    const reading = async () => {
      for await (const _ of inFloat32(checkpoint).read({
        onProgress: () => {
          throw own;
        },
      }));
    };
    await expect(reading()).rejects.toBe(own);
  });
});

describe('a weight that is none', () => {
  const float64 = (value: number) => new Uint8Array(Float64Array.of(1, value).buffer);
  const as = (dtype: Dtype, size: number, data: Uint8Array) =>
    checkpointOf(
      async function* () {
        yield { info: info('linear.weight', 2, dtype, size), data };
      },
      [info('linear.weight', 2, dtype, size)],
    );
  const CASES: [string, Checkpoint][] = [
    ...[Number.NaN, Infinity, -Infinity, 3.4e38, -2e19].map((value): [string, Checkpoint] => [
      `${value} of float32`,
      as('F32', 4, bytes(1, value)),
    ]),
    ['a number beyond float32', as('F64', 8, float64(1e300))],
    ['NaN of float16', as('F16', 2, Uint8Array.of(0, 0x3c, 1, 0x7e))],
    ['infinity of bfloat16', as('BF16', 2, Uint8Array.of(0, 0x3f, 0x80, 0xff))],
  ];

  /** What is made of the weight by `fill`, for a GPU that is never reached. */
  const loaded = (name: string, fill: (into: Float32Array, sources: readonly Float32Array[]) => void, checkpoint: Checkpoint) => {
    const steps = (into: Float32Array, sources: readonly Float32Array[]) => {
      fill(into, sources);
      return [];
    };
    const parameter = { kind: 'parameter', name, from: ['linear.weight'], length: 2, dtype: 'f32', fill, steps } as const;
    return new Parameters({} as GPUDevice).load([parameter], inFloat32(checkpoint));
  };

  it.each(CASES)('%s is found as it is loaded, with the tensor’s name', async (_, checkpoint) => {
    await expect(loaded('nothing of it', () => {}, checkpoint)).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringMatching(/^linear\.weight holds .* as number 1/),
    });
  });

  it('is found wherever it stands, and no number below 2^64 is one', () => {
    for (let at = 0; at < 11; at++) {
      const values = new Float32Array(11).fill(-(2 ** 64 - 2 ** 40));
      mustBeFinite('w', values);
      values[at] = 2 ** 64;
      expect(() => mustBeFinite('w', values)).toThrow(`as number ${at},`);
    }
  });

  it('is found in what weights make together, such as the root of a negative variance', async () => {
    const roots = (into: Float32Array, [variance]: readonly Float32Array[]) => into.set((variance as Float32Array).map(Math.sqrt));
    await expect(loaded('bn scale of linear.weight', roots, as('F32', 4, bytes(1, -1)))).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringMatching(/^bn scale of linear\.weight holds NaN/),
    });
  });
});
