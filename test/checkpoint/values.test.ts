import { describe, expect, it } from 'vitest';
import type { Checkpoint, Dtype, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { inFloat32, toFloat32 } from '../../src/checkpoint/values.ts';
import { entry, fileOf, piecewise } from './files.ts';

const info = (dtype: Dtype, count: number, bytes: number): TensorInfo => ({ name: 't', dtype, shape: [count], bytes });
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
/** The same bytes at an odd place. */
const odd = (bytes: Uint8Array) => {
  const moved = new Uint8Array(bytes.length + 1).subarray(1);
  moved.set(bytes);
  return moved;
};

/** The definition of float16, by its bits. */
function float16(h: number): number {
  const fraction = h & 1023;
  const exponent = (h >> 10) & 31;
  const sign = h >> 15 ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
}

describe('toFloat32', () => {
  it('views F32 where it lies, and copies it from an odd place', () => {
    const values = Float32Array.of(1.5, -0, 3e38, Number.NaN);
    const seen = toFloat32(info('F32', 4, 16), bytesOf(values));
    expect(seen.buffer).toBe(values.buffer);
    expect(toFloat32(info('F32', 4, 16), odd(bytesOf(values)))).toEqual(values);
    expect(toFloat32(info('F32', 4, 16), Buffer.from(odd(bytesOf(values)).buffer, 1))).toEqual(values);
  });

  it('gives every one of the 65,536 float16 values', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, h) => h);
    const expected = Float32Array.from(all, float16);
    for (const data of [bytesOf(all), odd(bytesOf(all))]) {
      const found = toFloat32(info('F16', 65536, 131072), data);
      expect(found.every((value, i) => Object.is(value, expected[i]))).toBe(true);
    }
  });

  it('gives BF16 exactly and F64 rounded to nearest', () => {
    const bf16 = Uint16Array.of(0x3f80, 0xc049, 0x7f80, 0x0001);
    expect([...toFloat32(info('BF16', 4, 8), bytesOf(bf16))]).toEqual([1, -3.140625, Number.POSITIVE_INFINITY, 2 ** -133]);
    const f64 = Float64Array.of(Math.PI, 1e-300, 1e300, 1 + 2 ** -24, 1 + 3 * 2 ** -24);
    expect(toFloat32(info('F64', 5, 40), odd(bytesOf(f64)))).toEqual(Float32Array.from(f64));
  });

  it('refuses what is not floating-point', () => {
    expect(() => toFloat32(info('I64', 1, 8), new Uint8Array(8))).toThrow(expect.objectContaining({ code: 'WRONG_WEIGHTS' }));
  });
});

describe('inFloat32', () => {
  const collect = async (checkpoint: Checkpoint) => {
    const found: Record<string, number[]> = {};
    for await (const { info, data } of inFloat32(checkpoint).read()) {
      expect(data.length).toBe(info.bytes);
      found[info.name] = info.dtype === 'F32' ? [...new Float32Array(data.buffer, data.byteOffset, data.length / 4)] : [...data];
    }
    return found;
  };
  const file = (tensors: [name: string, dtype: Dtype, shape: number[], data: ArrayBufferView][]) => {
    let end = 0;
    const list = tensors.map(([name, dtype, shape, data]) => {
      end += data.byteLength;
      return [name, entry(dtype, shape, [end - data.byteLength, end])] as const;
    });
    return fileOf(Object.fromEntries(list), Uint8Array.from(tensors.flatMap(([, , , data]) => [...bytesOf(data)])));
  };
  const opened = (...tensors: Parameters<typeof file>) => openCheckpoint(file(...tensors));
  /** The same, whose reader puts every tensor together from pieces, one where the other was. */
  const openedInPieces = (...tensors: Parameters<typeof file>) => openCheckpoint(piecewise(file(...tensors), 5));

  it.each([opened, openedInPieces])('multiplies I8 by the scale of its channel, whichever dimension that is: %o', async (open) => {
    const checkpoint = await open([
      ['rows_scale', 'F32', [2, 1], Float32Array.of(0.5, 2)],
      ['columns_scale', 'F32', [1, 3, 1], Float32Array.of(1, 10, 100)],
      ['one_scale', 'F32', [1, 1], Float32Array.of(0.25)],
      ['half', 'F16', [2], Uint16Array.of(0x3c00, 0xc000)],
      ['rows', 'I8', [2, 3], Int8Array.of(1, 2, 3, -4, -127, 6)],
      ['columns', 'I8', [2, 3, 2], Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)],
      ['one', 'I8', [1, 4], Int8Array.of(1, 2, 3, 4)],
      ['index', 'I64', [1], BigInt64Array.of(5n)],
    ]);
    expect([...inFloat32(checkpoint).tensors.values()].map(({ name, dtype, bytes }) => `${name} ${dtype} ${bytes}`)).toEqual([
      'half F32 8',
      'rows F32 24',
      'columns F32 48',
      'one F32 16',
      'index I64 8',
    ]);
    expect(await collect(checkpoint)).toEqual({
      half: [1, -2],
      rows: [0.5, 1, 1.5, -8, -254, 12],
      columns: [1, 2, 30, 40, 500, 600, 7, 8, 90, 100, 1100, 1200],
      one: [0.25, 0.5, 0.75, 1],
      index: [5, 0, 0, 0, 0, 0, 0, 0],
    });
  });

  it('refuses scales that do not fit or come too late, and passes plain I8 and plain "_scale" names', async () => {
    const weight = Int8Array.of(1, 2, 3, 4);
    for (const [shape, data, dtype = 'F32'] of [
      [[2], Float32Array.of(1, 2)],
      [[3, 1], Float32Array.of(1, 2, 3)],
      [[2, 2], Float32Array.of(1, 2, 3, 4)],
      [[2, 1], Uint16Array.of(0x3c00, 0x3c00), 'F16'],
    ] as const) {
      const checkpoint = await opened([
        ['w_scale', dtype, [...shape], data],
        ['w', 'I8', [2, 2], weight],
      ]);
      expect(() => inFloat32(checkpoint)).toThrow(expect.objectContaining({ code: 'WRONG_WEIGHTS' }));
    }
    const late = await opened([
      ['w', 'I8', [2, 2], weight],
      ['w_scale', 'F32', [2, 1], Float32Array.of(1, 2)],
    ]);
    await expect(collect(late)).rejects.toMatchObject({
      code: 'BAD_WEIGHTS_FILE',
      message: expect.stringMatching(/w_scale comes after w/),
    });
    expect(
      await collect(
        await opened([
          ['w', 'I8', [4], weight],
          ['x_scale', 'F32', [1], Float32Array.of(7)],
          ['y', 'F32', [2], Float32Array.of(8, 9)],
          ['y_scale', 'F32', [1], Float32Array.of(7)],
        ]),
      ),
    ).toEqual({ w: [1, 2, 3, 4], x_scale: [7], y: [8, 9], y_scale: [7] });
  });
});
