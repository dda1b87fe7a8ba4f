import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { answers } from '../../src/detect/answer.ts';
import { type Candidate, sortedAsNumPy, suppress, suppressByLesser } from '../../src/detect/boxes.ts';
import { cascade } from '../../src/detect/cascade.ts';
import { LAST, type Layer, P, R } from '../../src/detect/layers.ts';
import { ordered, searchedSize } from '../../src/detect/mtcnn.ts';
import { packLayer, readWeights } from '../../src/detect/weights.ts';
import { mtcnnWeights } from '../../tools/mtcnn.mjs';
import { detections, expectSame } from './detections.ts';

const weights = await readWeights(mtcnnWeights());
const areaOf = ({ x0, y0, x1, y1 }: { x0: number; y0: number; x1: number; y1: number }) => (x1 - x0) * (y1 - y0);

it('weights that are no numbers are refused by their tensor’s name', async () => {
  const file = Uint8Array.from(mtcnnWeights());
  file.fill(0xff, file.length - 4);
  await expect(readWeights(file)).rejects.toMatchObject({
    code: 'WRONG_WEIGHTS',
    message: expect.stringMatching(/^[pro]net\.\S+ holds NaN/),
  });
});

it.each<[string, string, Layer | undefined, number[] | undefined, RegExp]>([
  ['is missing', 'pnet.conv1.weight', P[0], undefined, /pnet\.conv1\.weight is missing, and must be/],
  ['has another shape', 'pnet.conv3.bias', LAST, [31], /pnet\.conv3\.bias is \[31\], and must be \[32\]/],
  ['has another window', 'pnet.conv2.weight', P[1], [16, 10, 5, 5], /pnet\.conv2\.weight is \[16,10,5,5\], and must be \[16,10,3,3\]/],
  ['has too few rows', 'rnet.dense5_1.weight', R[4], [1, 128], /rnet\.dense5_1,dense5_2 must have 6 rows/],
  ['has too many rows', 'rnet.dense5_2.weight', R[4], [5, 128], /rnet\.dense5_1,dense5_2 must have 6 rows/],
  ['has no slopes', 'rnet.prelu4.weight', R[3], undefined, /rnet\.prelu4\.weight is missing/],
])('weights of which a tensor %s are refused by its name: %s', (_, name, layer, shape, message) => {
  const others = new Map(weights);
  others.delete(name);
  if (shape) others.set(name, { shape, values: new Float32Array(shape.reduce((product, side) => product * side, 1)) });
  expect(() => packLayer(others, name.slice(0, 4), layer as Layer)).toThrow(message);
});

describe('MTCNN in float64 finds what facenet-pytorch finds', () => {
  it.for(detections.slice(0, 1))('in $image', async ({ image, faces }) => {
    const picture = PNG.sync.read(readFileSync(new URL(`../fixtures/${image}`, import.meta.url)));
    const found = await cascade(answers(weights, picture), picture, { minFace: 20, thresholds: [0.6, 0.7, 0.7] });
    const bySize = found.map(({ points, score, ...box }) => ({ box, points, score })).sort((a, b) => areaOf(b.box) - areaOf(a.box));
    expectSame(bySize, faces);
  });

  it.for([0, 127, 255])('nothing in a picture of one grey, %i', async (grey) => {
    const picture = { width: 64, height: 48, data: new Uint8Array(64 * 48 * 4).fill(grey) };
    expect(await cascade(answers(weights, picture), picture, { minFace: 20, thresholds: [0.6, 0.7, 0.7] })).toEqual([]);
  });
});

describe('the stages', () => {
  const move = [0, 0, 0, 0] as const;
  const cell = (level: number) => ({ level, row: 0, column: 0, probability: 0.9, move });
  /** What each network is asked, which is surer of each crop than of the one before. */
  const staged = async (picture: { width: number; height: number }, cells: ReturnType<typeof cell>[]) => {
    const asked: unknown[] = [];
    const found = await cascade(
      {
        propose: async (levels) => {
          asked.push(levels.map(({ width, height }) => `${width} x ${height}`));
          return cells;
        },
        refine: async (crops) => {
          asked.push(crops.length);
          return crops.map((_, i) => ({ probability: 0.7 + i / 10, move }));
        },
        decide: async (crops) => {
          asked.push(crops.length);
          return crops.map(() => ({ probability: 0.75, move, points: Array(10).fill(0.5) }));
        },
      },
      picture,
      { minFace: 20, thresholds: [0.6, 0.7, 0.7] },
    );
    return [...asked, found.length];
  };
  const levels = ['61 x 37', '43 x 26', '31 x 19', '22 x 13'];

  it('take each cell at its level, and hand on what they are surer of than their threshold', async () =>
    expect(await staged({ width: 100, height: 60 }, [cell(0), cell(3)])).toEqual([levels, 2, 1, 1]));
  it('ask nothing of no cells', async () => expect(await staged({ width: 100, height: 60 }, [])).toEqual([levels, 0]));
  it('look for faces of the least size in a picture as high, and for none in a lower one', async () => {
    expect(await staged({ width: 100, height: 20 }, [])).toEqual([['61 x 13'], 0]);
    expect(await staged({ width: 100, height: 19 }, [])).toEqual([0]);
  });
});

describe('which faces are given', () => {
  const face = (x0: number, y0: number, side: number, score: number) => ({
    box: { x0, y0, x1: x0 + side, y1: y0 + side },
    score,
    points: [],
  });
  const faces = [face(0, 0, 30, 0.99), face(40, 40, 20, 0.95), face(90, 90, 30, 0.9), face(10, 80, 10, 0.8)];
  const scores = (options: Parameters<typeof ordered>[2]) => ordered(faces, { width: 100, height: 100 }, options).map(({ score }) => score);

  it('the largest first, and of equals the last', () => expect(scores({})).toEqual([0.9, 0.99, 0.95, 0.8]));
  it('as the search gave them', () => expect(scores({ order: 'score' })).toEqual([0.99, 0.95, 0.9, 0.8]));
  it('the middle first', () => expect(scores({ order: 'center' })[0]).toBe(0.95));
  it('no more than asked', () => expect(scores({ maxFaces: 2 })).toEqual([0.9, 0.99]));
});

describe('at which size a picture is searched', () => {
  it('its own up to 16 megapixels', () =>
    expect(searchedSize({ width: 4096, height: 4096 }, 20, 8192)).toEqual({ width: 4096, height: 4096 }));
  it('48 megapixels are reduced to 16', () => {
    const { width, height } = searchedSize({ width: 8000, height: 6000 }, 20, 8192);
    expect(width * height).toBeLessThanOrEqual(2 ** 24);
    expect(width * height).toBeGreaterThan(0.999 * 2 ** 24);
  });
  it('no side exceeds a texture', () => expect(searchedSize({ width: 9000, height: 300 }, 20, 8192)).toEqual({ width: 8192, height: 273 }));
  it('smaller faces take more room', () =>
    expect(searchedSize({ width: 4096, height: 4096 }, 10, 8192)).toEqual({ width: 2048, height: 2048 }));
});

it('equal scores are in the order in which NumPy 1.24 sorts them', () => {
  expect(sortedAsNumPy([...'202120321120302101311000'].map(Number))).toEqual([
    11, 21, 16, 13, 22, 23, 1, 5, 8, 9, 20, 19, 17, 3, 15, 14, 0, 4, 10, 7, 2, 12, 18, 6,
  ]);
});

describe('boxes that lie on better ones are dropped', () => {
  const f = Math.fround;
  /** Of some sizes and places, on whole pixels and between them. */
  const boxes = Array.from({ length: 300 }, (_, i): Candidate => {
    const part = (n: number) => (Math.imul(i + 1, n) >>> 8) / 2 ** 24;
    const [x0, y0, side] = [f(200 * part(0x9e3779b1)), Math.floor(150 * part(0x85ebca6b)), 10 + 60 * part(0xc2b2ae35)];
    return { x0, y0, x1: f(x0 + side), y1: f(y0 + 1.2 * side), score: f(part(0x27d4eb2f)), move: [0, 0, 0, 0] };
  });
  const best = boxes.toSorted((a, b) => b.score - a.score);

  it.each<[string, typeof suppress, 0 | 1, (shared: number, a: number, b: number) => number]>([
    ["by torchvision's measure", suppress, 0, (shared, a, b) => shared / (a + b - shared)],
    ["by facenet-pytorch's", suppressByLesser, 1, (shared, a, b) => shared / Math.min(a, b)],
  ])('%s', (_, drop, more, measure) => {
    const area = ({ x0, y0, x1, y1 }: Candidate) => Math.max(0, x1 - x0 + more) * Math.max(0, y1 - y0 + more);
    const shared = (a: Candidate, b: Candidate) => {
      const corners = { x0: Math.max(a.x0, b.x0), y0: Math.max(a.y0, b.y0), x1: Math.min(a.x1, b.x1), y1: Math.min(a.y1, b.y1) };
      return area({ ...a, ...corners });
    };
    const kept: Candidate[] = [];
    for (const box of best) if (kept.every((one) => measure(shared(one, box), area(one), area(box)) <= 0.4)) kept.push(box);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.length).toBeLessThan(200);
    expect(drop(boxes, 0.4)).toEqual(kept);
  });
});
