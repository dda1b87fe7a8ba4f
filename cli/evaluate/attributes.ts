/** Attributes and gender on CelebA and LFWA: accuracy. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ATTRIBUTES, type Attribute, type Gender } from '../../src/face/labels.ts';
import type { Face } from '../../src/face/results.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { linesOf } from '../bulk/pictures.ts';
import {
  type AnyBenchmark,
  type Benchmark,
  cellsOf,
  fileSample,
  firstOf,
  type Listing,
  listingOf,
  mustDiffer,
  mustHave,
  PARTITION,
  percentRow,
  type Sample,
  shareOf,
  testSplit,
} from './benchmark.ts';
import { type Matrix, readMat } from './mat.ts';
import { mean } from './metrics.ts';

/** Whether each attribute is there, by CelebA's names. */
type Label = Readonly<Record<string, boolean>>;

interface DataSet {
  readonly set: string;
  readonly layout: string;
  readonly paper?: number;
  found(folder: string): boolean;
  read(folder: string, limit: number): Listing<Label>;
}

const LABELS = ['list_attr_celeba.txt', 'Anno/list_attr_celeba.txt', 'list_attr_celeba.csv'];
const PICTURES = ['img_align_celeba/img_align_celeba', 'img_align_celeba', 'Img/img_align_celeba'];

const isAttribute = (name: string): boolean => (ATTRIBUTES as readonly string[]).includes(name);

/** LFWA has names for what CelebA calls otherwise: without capitals, with blanks. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

const celebA: DataSet = {
  set: 'CelebA',
  layout:
    'img_align_celeba/000001.jpg, list_attr_celeba.txt and list_eval_partition.txt, or the same in Img, Anno and Eval, or Kaggle’s .csv files',
  paper: 91.83,
  found: (folder) => firstOf(folder, ...LABELS) !== undefined,
  read(folder, limit) {
    const pictures = mustHave(folder, ...PICTURES);
    const test = testSplit(mustHave(folder, ...PARTITION));
    const labels = mustHave(folder, ...LABELS);
    // In the authors' file the first line counts the pictures, and the second, of attributes alone, has nothing above the pictures' names.
    const [header = [], ...lines] = linesOf(labels)
      .map(cellsOf)
      .slice(labels.endsWith('.csv') ? 0 : 1);
    const names = labels.endsWith('.csv') ? header.slice(1) : header;
    const unknown = names.find((name) => !isAttribute(name));
    if (unknown !== undefined) throw new CommandError(`${labels} has an attribute ${unknown}, which CelebA does not have.`);
    mustDiffer(labels, names);
    return listingOf(
      labels,
      lines,
      limit,
      ([name = '', ...values]) => {
        if (!test.has(name)) return `${name} is in no split`;
        if (!test.get(name)) return undefined;
        const known = values.filter((value) => value === '1' || value === '-1').length;
        if (known !== names.length || values.length !== known)
          return `${name} has ${values.length} labels, ${known} of them 1 or -1; they must be ${names.length}`;
        return fileSample(name, join(pictures, name), Object.fromEntries(names.map((one, i) => [one, values[i] === '1'])));
      },
      ['the test split, aligned pictures whole'],
    );
  },
};

const lfwa: DataSet = {
  set: 'LFWA',
  layout: 'lfw_att_40.mat, indices_train_test.mat, and lfw/NAME/NAME_0001.jpg',
  found: (folder) => existsSync(join(folder, 'lfw_att_40.mat')),
  read(folder, limit) {
    const file = join(folder, 'lfw_att_40.mat');
    const pictures = mustHave(folder, 'lfw', 'lfw-deepfunneled', 'lfw_funneled');
    const variables = readMat(file);
    const [attributes, names, labels] = [variables.get('AttrName'), variables.get('name'), variables.get('label') as Matrix | undefined];
    if (
      !Array.isArray(attributes) ||
      !Array.isArray(names) ||
      !labels ||
      labels.rows !== names.length ||
      labels.columns !== attributes.length
    )
      throw new CommandError(`${file} has no AttrName, name and label that belong together.`);
    const known = attributes.map((name) => ATTRIBUTES.find((one) => plain(one) === plain(String(name))) ?? String(name));
    mustDiffer(file, known);
    const unknown = known.filter((name) => !isAttribute(name));
    const indices = join(folder, 'indices_train_test.mat');
    const split = existsSync(indices) ? (readMat(indices).get('indices_img_test') as Matrix | undefined) : undefined;
    const rows = split ? split.values.map((index) => index - 1) : names.map((_, i) => i);
    const note = split
      ? 'the test split, pictures of the set'
      : 'every picture of the set, since its split is not there (indices_train_test.mat)';
    return listingOf(
      file,
      rows,
      limit,
      (row): Sample<Label> | string => {
        const name = names[row];
        if (typeof name !== 'string') return `there is no picture ${row + 1}`;
        const path = name.replaceAll('\\', '/');
        const values = known.map((_, column) => labels.values[column * labels.rows + row] as number);
        if (!values.every((value) => [-1, 0, 1].includes(value))) return `${path} has labels other than 1, and 0 or -1`;
        return fileSample(path, join(pictures, path), Object.fromEntries(known.map((one, i) => [one, values[i] === 1])), 'detect');
      },
      [
        note,
        'each face is the largest that MTCNN finds',
        ...(unknown.length > 0 ? [`attributes that CelebA does not have, and nobody is asked for: ${unknown.join(', ')}`] : []),
      ],
    );
  },
};

/** Right or wrong for each attribute that the set labels, in the network's order; null where it does not. */
type Rights = readonly (boolean | null)[];

const attributesOn = ({ paper, ...of }: DataSet): Benchmark<Label, Rights> => ({
  ...of,
  task: 'attributes',
  score: ({ attributes }, label) =>
    ATTRIBUTES.map((name) =>
      label[name] === undefined ? null : (attributes as NonNullable<Face['attributes']>)[name].value === label[name],
    ),
  rows(scores) {
    const all = [...scores.values()];
    const each = ATTRIBUTES.flatMap((name: Attribute, i) => {
      const rights = all.map((one) => one[i]).filter((right): right is boolean => typeof right === 'boolean');
      return rights.length > 0 ? [percentRow(`accuracy ${name}`, shareOf(rights))] : [];
    });
    return [...each, percentRow('mean accuracy', mean(each.map(({ value }) => value / 100)), paper)];
  },
});

const genderOn = ({ set, layout, found, read }: DataSet, paper?: number): Benchmark<Label, boolean> => ({
  task: 'gender',
  set,
  layout,
  found,
  read(folder, limit) {
    const listing = read(folder, limit);
    if (listing.samples[0]?.label['Male'] === undefined) throw new CommandError(`${folder} has no attribute Male in its labels.`);
    return listing;
  },
  score: ({ gender }, label) => gender?.label === ((label['Male'] ? 'male' : 'female') satisfies Gender),
  rows: (scores) => [percentRow('accuracy', shareOf([...scores.values()]), paper)],
});

export const attributeBenchmarks: readonly AnyBenchmark[] = [
  attributesOn(celebA),
  attributesOn(lfwa),
  genderOn(celebA),
  genderOn(lfwa, 92.74),
];
