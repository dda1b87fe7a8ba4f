import { inRows, sum } from './answer.ts';
import wgsl from './bilinearSum.wgsl';
import { type Dtype, defineKernel, type Images, tiles } from './kernel.ts';

export interface BilinearSumShape extends Images {
  /** Side of the finest map, a multiple of 8. */
  side: number;
  channels: number;
  /** How the maps that are read are stored; float32 by default. The sum is float32. */
  dtype?: Dtype;
}

export const bilinearSum = defineKernel(
  'bilinearSum',
  wgsl,
  ({ images = 1, side, channels, dtype = 'f32' }: BilinearSumShape) => ({
    constants: { SIDE: side, CHANNELS: channels },
    machine: { elem: dtype },
    workgroups: [tiles((side * side * channels) / 4, 64), 1, images],
    macs: images * side * side * channels * 12,
  }),
  ({ side, channels }, { x, x2, x4, x8 }) =>
    inRows(channels, (place, c) => {
      const at = [Math.floor(place / side), place % side];
      return sum(4, (level) => {
        const factor = 2 ** level;
        const map = [x, x2, x4, x8][level] as typeof x;
        const from = at.map((n) => Math.max((n + 0.5) / factor - 0.5, 0));
        const last = side / factor - 1;
        return sum(4, (corner) => {
          const [row, column] = from.map((n, axis) => {
            const isHigh = axis === 0 ? corner > 1 : corner % 2 > 0;
            const share = n % 1;
            return { at: Math.min(Math.floor(n) + Number(isHigh), last), share: isHigh ? share : 1 - share };
          }) as [{ at: number; share: number }, { at: number; share: number }];
          return row.share * column.share * map((row.at * (last + 1) + column.at) * channels + c);
        });
      });
    }),
);
