/** The role of Swin's window attention: the shape that every variant of this folder takes, and its work. */
import { type Answer, attended, inRows, kept, list, sum } from '../answer.ts';
import { type Dtype, type Images, type Launch, tiles } from '../kernel.ts';

export interface WindowAttentionShape extends Images {
  /**
   * Side of the square map. One that is no multiple of the window's 7 is padded at the right and at the bottom as torchvision does it; then t has,
   * behind its table, the q, k and v that the projection makes of zeros: its bias, the queries' scaled.
   */
  side: number;
  /** Heads of 32 dimensions. */
  heads: number;
  /** The windows are shifted by so many rows and columns: 0 or 3. */
  shift: number;
  /** x is the sum of so many shares, [shares, rows, 96 heads] in float32, as a product leaves them; 1 by default. */
  shares?: number;
  /** How x, where it is whole, and y are stored; float32 by default. */
  dtype?: Dtype;
}

/** Multiply-adds: scores, and values times them. */
export const windowMacs = ({ images = 1, side, heads }: WindowAttentionShape): number =>
  images * (7 * tiles(side, 7)) ** 2 * 49 * heads * 64;

/** A launch of a workgroup for each head of each window. */
export function windowLaunch(shape: WindowAttentionShape): Launch {
  const { images = 1, side, heads, shift, shares = 1, dtype = 'f32' } = shape;
  return {
    constants: { SIDE: side, HEADS: heads, SHIFT: shift },
    machine: { SHARES: shares, input: shares > 1 ? 'f32' : dtype, elem: dtype },
    workgroups: [tiles(side, 7) ** 2, heads, images],
    macs: windowMacs(shape),
  };
}

/** What every variant has to give. */
export const windowAnswer: Answer<WindowAttentionShape> = ({ side, heads, shift, shares = 1 }, { x, t }) => {
  const across = tiles(side, 7);
  const width = 32 * heads;
  /** A number of the q, k and v of a place, of which those that pad the map have the same. */
  const number = (across_: number, down: number, at: number): number => {
    const [column, row] = [(across_ + shift) % (7 * across), (down + shift) % (7 * across)];
    if (column >= side || row >= side) return t(169 * heads + at);
    return sum(shares, (share) => x(((share * side + row) * side + column) * 3 * width + at));
  };
  const around = (edge: boolean, a: number, b: number): boolean => edge && shift > 0 && a >= 7 - shift !== b >= 7 - shift;
  const headOf = kept((place) => {
    const head = place % heads;
    const row = Math.floor(place / heads);
    const unshifted = (at: number) => (at - shift + 7 * across) % (7 * across);
    const [column, line] = [unshifted(row % side), unshifted(Math.floor(row / side))];
    const [left, top] = [column - (column % 7), line - (line % 7)];
    const scores = list(49, (key) => {
      const [a, b] = [key % 7, Math.floor(key / 7)];
      const isHidden = around(left === 7 * (across - 1), column % 7, a) || around(top === 7 * (across - 1), line % 7, b);
      const product = sum(32, (d) => number(column, line, head * 32 + d) * number(left + a, top + b, width + head * 32 + d));
      return product + t(head * 169 + ((line % 7) - b + 6) * 13 + (column % 7) - a + 6) - (isHidden ? 100 : 0);
    });
    return attended(scores, 32, (key, d) => number(left + (key % 7), top + Math.floor(key / 7), 2 * width + head * 32 + d));
  });
  return inRows(32, (place, d) => headOf(place)[d] as number);
};
