/** Pillow's bicubic resize of bytes in plain TypeScript: the twin of the kernel `resize`. */
import { type Axis, PRECISION_BITS } from '../../src/image/resize.ts';

/**
 * Both passes, across and then down, each rounded to bytes.
 * @param rgba [y.from, x.from, 4] bytes; alpha is dropped, as Pillow's convert('RGB') does.
 * @returns [y.to, x.to, 3] bytes.
 */
export function resizePixels(rgba: ArrayLike<number>, x: Axis, y: Axis): Uint8Array {
  const rows = new Uint8Array(y.from * x.to * 3);
  for (let row = 0; row < y.from; row++)
    for (let i = 0; i < x.to * 3; i++) {
      const column = Math.floor(i / 3);
      rows[row * x.to * 3 + i] = sample(x, column, (source) => rgba[(row * x.from + source) * 4 + (i % 3)] as number);
    }
  const out = new Uint8Array(y.to * x.to * 3);
  for (let row = 0; row < y.to; row++)
    for (let i = 0; i < x.to * 3; i++) out[row * x.to * 3 + i] = sample(y, row, (source) => rows[source * x.to * 3 + i] as number);
  return out;
}

function sample({ first, weights, taps, to, from }: Axis, i: number, value: (source: number) => number): number {
  const start = first[i] as number;
  let sum = 2 ** (PRECISION_BITS - 1);
  for (let t = 0; t < taps && start + t < from; t++) sum += (weights[t * to + i] as number) * value(start + t);
  return Math.min(Math.max(sum >> PRECISION_BITS, 0), 255);
}
