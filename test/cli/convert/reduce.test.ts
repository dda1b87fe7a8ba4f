import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isReducible, outputAxis, reduced, toInt8 } from '../../../cli/convert/reduce.ts';
import { checkTensors } from '../../../src/checkpoint/check.ts';
import type { Checkpoint, TensorInfo } from '../../../src/checkpoint/checkpoint.ts';
import { toFloat16 } from '../../../src/checkpoint/float16.ts';
import { seededCheckpoint } from '../../../src/checkpoint/seeded.ts';
import { inFloat32, toFloat32 } from '../../../src/checkpoint/values.ts';
import { tensorsOf } from '../../../src/face/config.ts';

const back = (bits: Uint16Array) =>
  toFloat32(
    { name: 't', dtype: 'F16', shape: [bits.length], bytes: 2 * bits.length },
    new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength),
  );
const finite = Uint16Array.from({ length: 0x7c00 }, (_, h) => h);

describe('float16', () => {
  it('keeps all of its own values', () => {
    expect(toFloat16(back(finite))).toEqual(finite);
    expect(toFloat16(back(finite).map((v) => -v))).toEqual(finite.map((h) => h | 0x8000));
  });

  it('rounds to nearest, and halves to even, between every two neighbours', () => {
    const values = [...back(finite)];
    for (let h = 0; h + 1 < values.length; h++) {
      const middle = Math.fround(((values[h] as number) + (values[h + 1] as number)) / 2);
      const near = Float32Array.of(middle, below(middle), above(middle));
      const [half, low, high] = toFloat16(near);
      if (half !== h + (h % 2) || low !== h || high !== h + 1) throw new Error(`around ${middle}: ${half}, ${low}, ${high}`);
    }
  });

  it('refuses what it cannot hold, by name', () => {
    expect([...toFloat16(Float32Array.of(65519.996, -65504))]).toEqual([0x7bff, 0xfbff]);
    for (const value of [65520, -1e6, Number.POSITIVE_INFINITY, Number.NaN])
      expect(() => toFloat16(Float32Array.of(0, value), 'w')).toThrow(
        expect.objectContaining({ code: 'WRONG_WEIGHTS', message: expect.stringMatching(/^w holds/) }),
      );
  });

  function next(value: number, by: 1 | -1): number {
    const bits = new Uint32Array(Float32Array.of(value).buffer);
    bits[0] = (bits[0] as number) + by;
    return new Float32Array(bits.buffer)[0] as number;
  }
  const below = (value: number) => next(value, -1);
  const above = (value: number) => next(value, 1);
});

describe('int8', () => {
  it('is off by at most half a step of its channel, for rows and for columns', () => {
    const numbers = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => n / 1000);
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 24, maxLength: 24 }), fc.boolean(), (list, transposed) => {
        const name = transposed ? 'face_decoder.output_upscaling.0.weight' : 'w';
        const info: TensorInfo = { name, dtype: 'F32', shape: [2, 3, 2, 2], bytes: 96 };
        const values = Float32Array.from(list);
        const { scales, rounded } = toInt8(values, info);
        expect(scales.length).toBe(transposed ? 3 : 2);
        values.forEach((value, i) => {
          const scale = scales[transposed ? Math.floor(i / 4) % 3 : Math.floor(i / 12)] as number;
          expect(Math.abs((rounded[i] as number) * scale - value)).toBeLessThanOrEqual(scale * 0.5001);
        });
      }),
    );
  });

  it('bears a channel of zeros and refuses NaN', () => {
    const info: TensorInfo = { name: 'w', dtype: 'F32', shape: [2, 2], bytes: 16 };
    const { scales, rounded } = toInt8(Float32Array.of(0, 0, 1, -2), info);
    expect([...rounded]).toEqual([0, 0, 64, -127]);
    expect(scales[0]).toBe(0);
    expect(() => toInt8(Float32Array.of(0, Number.NaN, 1, 2), info)).toThrow(expect.objectContaining({ code: 'WRONG_WEIGHTS' }));
  });
});

describe('the model in smaller types', () => {
  const size = (checkpoint: Checkpoint) => [...checkpoint.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  it('takes 368, 185 and 94 MB, and is still the model', () => {
    const seeded = seededCheckpoint(tensorsOf('released'));
    expect(size(seeded) / 1e6).toBeCloseTo(368.4, 0);
    for (const [precision, megabytes] of [
      ['f16', 184.9],
      ['int8', 93.7],
    ] as const) {
      const small = reduced(seeded, precision);
      expect(size(small) / 1e6).toBeCloseTo(megabytes, 0);
      expect(() => checkTensors(inFloat32(small).tensors, tensorsOf('released'))).not.toThrow();
    }
  });

  it('comes back as its rounded self, and what is delicate untouched', async () => {
    const names = /backbone\.0\.1\.0\.|output_upscaling|_token\.weight|pe_layer/;
    const seeded = seededCheckpoint(new Map([...tensorsOf('released')].filter(([name]) => names.test(name))));
    const whole = new Map<string, Float32Array>();
    for await (const { info, data } of inFloat32(seeded).read())
      if (info.dtype === 'F32') whole.set(info.name, toFloat32(info, data).slice());
    for (const precision of ['f16', 'int8'] as const) {
      let reducedCount = 0;
      for await (const { info, data } of inFloat32(reduced(seeded, precision)).read()) {
        if (info.dtype !== 'F32') continue;
        const original = whole.get(info.name) as Float32Array;
        const values = toFloat32(info, data);
        if (!isReducible(info)) {
          expect(values, info.name).toEqual(original);
          continue;
        }
        reducedCount++;
        expect(values, info.name).not.toEqual(original);
        if (precision === 'f16') expect(values, info.name).toEqual(back(toFloat16(original)));
        const largest = original.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        const worst = values.reduce((most, v, i) => Math.max(most, Math.abs(v - (original[i] as number))), 0);
        expect(worst / largest, info.name).toBeLessThan(precision === 'f16' ? 2 ** -11 : 0.5001 / 127);
      }
      expect(reducedCount).toBe(6);
    }
    expect(outputAxis(tensorsOf('released').get('face_decoder.output_upscaling.3.weight') as TensorInfo)).toBe(1);
  });
});
