/// <reference types="vite/types/importMeta.d.ts" />
/** What the self-test takes for right (src/kernels/answer.ts) is what the kernels' float64 twins give, in their own cases: no GPU is asked. */
import { describe, expect, it, vi } from 'vitest';
import { float32Of, toFloat16 } from '../../src/checkpoint/float16.ts';
import type { Operand, Operands } from '../../src/kernels/answer.ts';
import { faceUpdate, faceUpdateInTime, faceUpdateSmall } from '../../src/kernels/faceUpdate.ts';
import type { Dtype, Kernel } from '../../src/kernels/kernel.ts';
import { productAnswer } from '../../src/kernels/matmul/role.ts';
import { parse, parseInTime, parseSmall } from '../../src/kernels/parse.ts';
import type * as Run from './run.ts';

/** Multiply-adds of a case that is tried: a twin takes a second for 100 million. */
const MOST = Number(process.env['ANSWERS'] ?? 2e6);
/** How many numbers of y are asked for. */
const ASKED = 60;

const SKIPPED = new Error('is not tried');

vi.mock('./run.ts', async (original) => {
  const own = await original<typeof Run>();
  const operand = (value: Run.Values): Operand => {
    // Of pixels nobody reads the highest byte, and what is no float32 would not stay as it is.
    const words = value instanceof Uint32Array ? value.map((word) => (word & 0xffffff) | 0x3f000000) : value;
    const values =
      words instanceof Uint16Array ? float32Of(words) : new Float32Array(words.buffer, words.byteOffset, Math.floor(words.byteLength / 4));
    if (!values.every((value) => Math.abs(value) < 2 ** 64)) throw SKIPPED; // of what is lost there is no answer
    return Object.assign((i: number) => values[i] as number, { size: values.length });
  };
  async function runKernel<Shape>(
    _: GPUDevice,
    kernel: Kernel<Shape>,
    shape: Shape & { images?: number },
    inputs: Record<string, Run.Values>,
    length: number,
    dtype: Dtype = 'f32',
  ): Promise<ArrayBuffer> {
    if (!kernel.answer || (shape.images ?? 1) > 1 || kernel.launch(shape).macs > MOST) throw SKIPPED;
    const operands = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, operand(value)]));
    const answer = kernel.answer(shape, operands as Operands);
    const y = new Float32Array(length);
    const isWord = /var<storage, read_write> y: ?array<u32>/.test(kernel.wgsl) && !(shape as { logits?: boolean }).logits;
    const words = new Uint32Array(y.buffer).fill(own.SENTINEL);
    const step = /^(taskToFace|mlpHead)/.test(kernel.name) ? 1 : Math.max(1, Math.floor((length - 9) / ASKED)); // the cases put shares together
    for (let i = 0; i < length; i += i < length - 9 ? step : 1) {
      const right = answer(i);
      if (isWord) words[i] = right;
      else if (!Number.isNaN(right)) y[i] = right;
    }
    if (dtype === 'f32') return y.buffer;
    return Uint16Array.from(y, (v) => (Number.isNaN(v) ? 0x7e00 : (toFloat16(Float32Array.of(v))[0] as number))).buffer;
  }
  return { ...own, runKernel, runKernelTwice: runKernel };
});

const files = import.meta.glob<{ cases: Run.KernelCase[] }>('./*.cases.ts', { eager: true });
const others = /\.\/(resize|averageCrops|convPrelu|proposals|stamp|lost)\./;

describe('an answer', () => {
  it.for(Object.entries(files).filter(([file]) => !others.test(file)))('of %s', async ([, { cases }]) => {
    let compared = 0;
    for (const one of cases) {
      if (one.bound !== 'exact' && (one.bound.maxAbs ?? 1) < 1e-6) continue; // about the last bits
      const made = await one.run(undefined as unknown as GPUDevice).catch((error: unknown) => error);
      if (made === SKIPPED) continue;
      if (made instanceof Error) throw made;
      const { actual, expected } = made as Awaited<ReturnType<Run.KernelCase['run']>>;
      const scale = Math.max(...Array.from(expected, Math.abs).slice(0, 10_000), 1e-12);
      for (const [i, right] of Array.from(expected).entries()) {
        const given = actual[i] as number;
        if (Number.isNaN(given) || (one.bound === 'exact' && [0x7f, 0xc5].includes(given))) continue; // was not asked for
        compared++;
        if (!(Math.abs(given - right) <= 2e-3 * (scale * 0.01 + Math.abs(right))))
          expect({ case: one.name, i, given }).toEqual({ case: one.name, i, given: right });
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
});

describe('first rows', () => {
  /** Workgroups that make them: a pipeline that knows its number of rows would write all of a tile that is begun. */
  const tilesOf = <Shape>({ answer, launch }: Kernel<Shape>, shape: Shape): number | undefined => {
    const first = answer?.firstRows?.(shape);
    return first && (launch(shape).workgroups[first.axis] * first.rows) / first.of;
  };

  it.for([8, 56, 64, 72, 80, 112, 128])('are of whole tiles, of a map of side %i', (side) => {
    for (const kernel of [parse, parseInTime, parseSmall])
      expect(tilesOf(kernel, { side, classes: 11, eps: 1e-5 })).toSatisfy(Number.isInteger);
  });

  it('are not cut where a tile would be', () => {
    expect(tilesOf(parse, { side: 30, classes: 11, eps: 1e-5 })).toBeUndefined();
    expect(tilesOf(parse, { side: 56, classes: 11, eps: 1e-5, logits: true })).toBeUndefined(); // each class has a map of its own
    const shape = { tokens: 18, qStride: 256, qOffset: 0, tOffset: 0, eps: 1e-5 };
    for (const kernel of [faceUpdate, faceUpdateInTime, faceUpdateSmall]) {
      expect(tilesOf(kernel, { ...shape, positions: 3136 })).toSatisfy(Number.isInteger);
      expect(tilesOf(kernel, { ...shape, positions: 900 })).toBeUndefined();
    }
  });

  it.for([56, 28, 14])('are whole lines where pixels are merged, of a map of side %i', (mergeSide) => {
    const { rows, of } = productAnswer.firstRows?.({ rows: mergeSide ** 2 / 4, inner: 512, cols: 256, mergeSide }) ?? { rows: 0, of: 0 };
    expect(rows % (mergeSide / 2)).toBe(0);
    expect(rows).toBeLessThan(of);
  });
});
