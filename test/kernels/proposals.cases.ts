import { convolved } from '../../src/detect/answer.ts';
import { packConv } from '../../src/kernels/convPrelu.ts';
import { PROPOSAL_ELEMENTS, packHeads, proposals } from '../../src/kernels/proposals.ts';
import { channelsLast, type Entry, mapsOf, mapsWords } from './maps.ts';
import { FLOAT32, type KernelCase, randomValues, runKernel } from './run.ts';

/** @param room proposals that y has room for: those beyond are counted, and not kept */
function proposalsCase(name: string, entries: readonly Entry[], least: number, room: number): KernelCase {
  return {
    name,
    bound: FLOAT32,
    async run(device) {
      const maps = mapsOf(entries, 16);
      const [weight, bias, slopes] = [randomValues(32 * 16 * 9, 3), randomValues(32, 4), randomValues(32, 5)];
      const head = (rows: number, seed: number) => [randomValues(rows * 32, seed), randomValues(rows, seed + 1)] as const;
      const [logits, box] = [head(2, 20), head(4, 30)];
      const w = new Float32Array(9 * 16 * 32);
      packConv(weight, [32, 16, 3], w);
      const h = new Float32Array(33 * 8);
      packHeads(logits, box, h);
      const positions = entries.reduce((sum, { images, width, height }) => sum + images * (width - 2) * (height - 2), 0);
      const made = entries.map(({ images, width, height }) => ({ images, width: width - 2, height: height - 2 }));
      const inputs = { x: channelsLast(maps), w, b: Float32Array.of(...bias, ...slopes), h, maps: mapsWords(entries, made, least) };
      const length = 1 + PROPOSAL_ELEMENTS * room;
      const words = new Uint32Array(await runKernel(device, proposals, { positions }, inputs, length, 'f32', new Uint32Array(length)));
      const cells = maps.flatMap((map) => {
        const { data, width, height } = convolved(map, weight, bias, slopes, 3);
        const dot = (cell: number, [rows, biases]: ReturnType<typeof head>, row: number) =>
          data.subarray(32 * cell, 32 * cell + 32).reduce((sum, v, c) => sum + v * (rows[row * 32 + c] as number), biases[row] as number);
        return Array.from({ length: width * height }, (_, cell) => [
          dot(cell, logits, 1) - dot(cell, logits, 0),
          ...[0, 1, 2, 3].map((row) => dot(cell, box, row)),
        ]);
      });
      const expected = cells.flatMap((cell, i) => ((cell[0] as number) >= least ? [[i, ...cell]] : []));
      const found = Array.from({ length: Math.min(words[0] as number, room) }, (_, i) => [
        words[1 + PROPOSAL_ELEMENTS * i] as number,
        ...new Float32Array(words.buffer, 4 * (2 + PROPOSAL_ELEMENTS * i), 5),
      ]).sort((a, b) => (a[0] as number) - (b[0] as number));
      const kept = room < expected.length ? found.map(([i]) => expected.find((one) => one[0] === i) ?? []) : expected;
      // Counted from one: where no cell is found, a distance from nothing but zeros is no number.
      return { actual: [1 + (words[0] as number), ...found.flat()], expected: [1 + expected.length, ...kept.flat()] };
    },
  };
}

const one = (width: number, height: number): Entry => ({ images: 1, width, height });

export const cases: KernelCase[] = [
  proposalsCase('three levels, some cells of each', [one(20, 13), one(9, 11), one(3, 3)], 0, 300),
  proposalsCase('no cell', [one(12, 9)], 1e9, 16),
  proposalsCase('more cells than there is room for', [one(20, 20)], -1e9, 10),
];
