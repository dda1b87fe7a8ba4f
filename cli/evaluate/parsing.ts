/** Face parsing on CelebAMask-HQ: F1 a class over all pixels of all pictures, and their mean. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Segmentation } from '../../src/face/results.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { SegFaceClass } from '../../src/segface/labels.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { linesOf } from '../bulk/pictures.ts';
import { readPicture } from '../picture.ts';
import {
  type Benchmark,
  cellsOf,
  fileSample,
  firstOf,
  isPicture,
  listingOf,
  mustDiffer,
  mustHave,
  namesIn,
  PARTITION,
  percentRow,
  testSplit,
} from './benchmark.ts';
import { confusion, f1Scores, mean } from './metrics.ts';

/**
 * The set's parts in the order in which its own script (g_mask.py) paints them over each other, and which class each is. The files' sides are the person's, the classes' are
 * the picture's. What a network does not know is background.
 */
const PARTS: readonly (readonly [part: string, label: SegFaceClass])[] = [
  ['skin', 'skin'],
  ['nose', 'nose'],
  ['eye_g', 'glasses'],
  ['l_eye', 'right eye'],
  ['r_eye', 'left eye'],
  ['l_brow', 'right eyebrow'],
  ['r_brow', 'left eyebrow'],
  ['l_ear', 'right ear'],
  ['r_ear', 'left ear'],
  ['mouth', 'inner mouth'],
  ['u_lip', 'upper lip'],
  ['l_lip', 'lower lip'],
  ['hair', 'hair'],
  ['hat', 'hat'],
  ['ear_r', 'earring'],
  ['neck_l', 'necklace'],
  ['neck', 'neck'],
  ['cloth', 'clothes'],
];

interface Label {
  readonly folder: string;
  readonly id: number;
}

interface Score {
  readonly labels: readonly string[];
  readonly counts: readonly number[];
}

export const celebAMaskHq: Benchmark<Label, Score> = {
  task: 'segmentation',
  set: 'CelebAMask-HQ',
  layout:
    'CelebA-HQ-img/0.jpg, CelebAMask-HQ-mask-anno/0/00000_skin.png; for the test split CelebA-HQ-to-CelebA-mapping.txt and list_eval_partition.txt (or .csv)',
  found: (folder) => existsSync(join(folder, 'CelebAMask-HQ-mask-anno')),
  read(folder, limit) {
    const pictures = mustHave(folder, 'CelebA-HQ-img');
    const masks = mustHave(folder, 'CelebAMask-HQ-mask-anno');
    const mapping = firstOf(folder, 'CelebA-HQ-to-CelebA-mapping.txt');
    const partition = firstOf(folder, ...PARTITION);
    const split = mapping && partition ? testIds(mapping, partition) : undefined;
    const note = split
      ? 'the test split: pictures that CelebA has in its own'
      : 'every picture of the folder, since the mapping to CelebA and its partition, which make the test split, are not both there';
    const all = namesIn(pictures)
      .filter(isPicture)
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    return listingOf(
      pictures,
      all,
      limit,
      (name) => {
        if (!/^\d+\.\w+$/.test(name)) return `${name} has no number`;
        const id = Number.parseInt(name, 10);
        if (split && !split.has(id)) return `${name} has no original in CelebA`;
        if (split?.get(id) === false) return undefined;
        return fileSample(name, join(pictures, name), { folder: masks, id });
      },
      [note],
    );
  },
  async score({ segmentation }, label) {
    const { width, height, classes, labels } = segmentation as Segmentation<string>;
    const truth = await truthOf(label, labels);
    // The network's mask at the labels' scale: the nearest of its pixels.
    const given = new Uint8Array(truth.classes.length);
    for (let y = 0; y < truth.height; y++)
      for (let x = 0; x < truth.width; x++)
        given[y * truth.width + x] = classes[
          Math.floor(((y + 0.5) * height) / truth.height) * width + Math.floor(((x + 0.5) * width) / truth.width)
        ] as number;
    return { labels, counts: confusion(truth.classes, given, labels.length) };
  },
  rows(scores) {
    const all = [...scores.values()];
    const labels = all[0]?.labels ?? [];
    const counts = labels.flatMap((_, i) =>
      labels.map((_, j) => all.reduce((sum, one) => sum + (one.counts[i * labels.length + j] as number), 0)),
    );
    const f1 = f1Scores(counts, labels.length);
    return [
      ...labels.map((label, i) => percentRow(`F1 ${label}`, f1[i] as number)),
      percentRow('mean F1', mean(f1.slice(1)), isSegFace(labels) ? 88.96 : 92.01),
      percentRow('mean F1, background among them', mean(f1)),
    ];
  },
};

/** Whether these are SegFace's classes: FaceXFormer knows no necks. */
const isSegFace = (labels: readonly string[]): boolean => labels.includes('neck');

/** By the pictures' numbers, whether their original is in CelebA's test split. The mapping's first line says what its columns are. */
function testIds(mapping: string, partition: string): Map<number, boolean> {
  const test = testSplit(partition);
  const found = linesOf(mapping)
    .slice(1)
    .map((line) => {
      const [id = '', , original = '', ...more] = cellsOf(line);
      const isTest = test.get(original);
      if (!/^\d+$/.test(id) || isTest === undefined || more.length > 0)
        throw new CommandError(`${mapping}: ${line} is not a number, and the number and name of a picture in ${partition}.`);
      return [Number(id), isTest] as const;
    });
  mustDiffer(
    mapping,
    found.map(([id]) => id),
  );
  return new Map(found);
}

/** The parts in the order in which they cover each other: SegFace's authors paint their labels in the order of the classes (datasets/celebamask_hq.py). */
const partsFor = (labels: readonly string[]): typeof PARTS =>
  isSegFace(labels) ? PARTS.toSorted(([, a], [, b]) => labels.indexOf(a) - labels.indexOf(b)) : PARTS;

/** The parts' masks painted over each other, as classes of the network. */
async function truthOf({ folder, id }: Label, labels: readonly string[]): Promise<{ width: number; height: number; classes: Uint8Array }> {
  const prefix = join(folder, String(Math.floor(id / 2000)), String(id).padStart(5, '0'));
  let painted: { width: number; height: number; classes: Uint8Array } | undefined;
  for (const [part, label] of partsFor(labels)) {
    const file = `${prefix}_${part}.png`;
    if (!existsSync(file)) continue;
    const { data, width, height } = await readPicture(file);
    painted ??= { width, height, classes: new Uint8Array(width * height) };
    if (painted.width !== width || painted.height !== height)
      throw new FaceXFormerError(
        'BAD_PICTURE',
        `${file} is ${width} x ${height}, and the masks before it ${painted.width} x ${painted.height}.`,
      );
    const index = Math.max(0, labels.indexOf(label));
    for (let i = 0; i < painted.classes.length; i++) if ((data[4 * i] as number) > 127) painted.classes[i] = index;
  }
  if (!painted) throw new FaceXFormerError('BAD_PICTURE', `There is no mask ${prefix}_*.png.`);
  return painted;
}
