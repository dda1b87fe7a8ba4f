/** Age, gender and race on UTKFace and FairFace, expression on RAF-DB: mean absolute error of years, and accuracy. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  AGE_MIDPOINTS,
  AGES,
  type Age,
  EXPRESSIONS,
  type Expression,
  GENDERS,
  type Gender,
  RACES,
  type Race,
} from '../../src/face/labels.ts';
import type { AgeChoice } from '../../src/face/results.ts';
import { linesOf } from '../bulk/pictures.ts';
import {
  type AnyBenchmark,
  type Benchmark,
  cellsBetween,
  fileSample,
  firstOf,
  isPicture,
  type Listing,
  listingOf,
  mustDiffer,
  mustHave,
  namesIn,
  percentRow,
  shareOf,
} from './benchmark.ts';
import { mean } from './metrics.ts';

interface Person {
  /** In years: the person's, or the middle of a group's class. */
  readonly years: number;
  readonly age: Age;
  readonly gender: Gender;
  readonly race: Race;
}

interface DataSet {
  readonly set: string;
  readonly layout: string;
  readonly notes: readonly string[];
  readonly paper?: number;
  found(folder: string): boolean;
  read(folder: string, limit: number, notes: readonly string[]): Listing<Person>;
}

const ageOf = (years: number): Age => AGES[Math.min(Math.floor(years / 10), AGES.length - 1)] as Age;

/** UTKFace counts White, Black, Asian, Indian, Others; the network has Indian before Asian. */
const UTK_RACES: readonly Race[] = ['White', 'Black', 'Asian', 'Indian', 'Others'];

const utkFace: DataSet = {
  set: 'UTKFace',
  layout: 'AGE_GENDER_RACE_DATE.jpg.chip.jpg, in the folder or in UTKFace',
  notes: ['every picture of the folder, whole: the set has no split of its own'],
  paper: 4.17,
  found: (folder) => utkNames(utkHome(folder)).length > 0,
  read(folder, limit, notes) {
    const home = utkHome(folder);
    return listingOf(
      home,
      namesIn(home).filter(isPicture),
      limit,
      (name) => {
        const [years, gender, race] = /^(\d{1,3})_([01])_([0-4])_/.exec(name)?.slice(1).map(Number) ?? [];
        if (years === undefined) return `${name} does not begin with an age, a gender (0, 1) and a race (0 to 4)`;
        const person = { years, age: ageOf(years), gender: GENDERS[gender as number] as Gender, race: UTK_RACES[race as number] as Race };
        return fileSample(name, join(home, name), person);
      },
      notes,
    );
  },
};

const utkHome = (folder: string) => firstOf(folder, 'UTKFace', 'crop_part1') ?? folder;
const utkNames = (home: string) => namesIn(home).filter((name) => /^\d{1,3}_[01]_[0-4]_\d+.*\.jpe?g$/i.test(name));

const FAIR_AGES: Readonly<Record<string, Age>> = { '0-2': '0-9', '3-9': '0-9', 'more than 70': '70+', '70+': '70+' };

/** FairFace knows seven races, the network five. */
const FAIR_RACES: Readonly<Record<string, Race>> = {
  White: 'White',
  Black: 'Black',
  Indian: 'Indian',
  'East Asian': 'Asian',
  'Southeast Asian': 'Asian',
  'Middle Eastern': 'Others',
  Latino_Hispanic: 'Others',
};

const fairFace: DataSet = {
  set: 'FairFace',
  layout: 'fairface_label_val.csv, and val/1.jpg',
  notes: [
    'the validation split, pictures whole; ages are groups, whose middles stand for years',
    'East and Southeast Asian are Asian, Middle Eastern and Latino_Hispanic are Others',
  ],
  found: (folder) => firstOf(folder, ...FAIR_LABELS) !== undefined,
  read(folder, limit, notes) {
    const labels = mustHave(folder, ...FAIR_LABELS);
    const [header = '', ...lines] = linesOf(labels);
    const columns = fairCells(header);
    mustDiffer(labels, columns);
    return listingOf(
      labels,
      lines,
      limit,
      (line) => {
        const cells = fairCells(line);
        const of = (name: string) => cells[columns.indexOf(name)] ?? '';
        const group = of('age');
        const age = FAIR_AGES[group] ?? AGES.find((one) => one === group);
        const gender = GENDERS.find((one) => one === of('gender').toLowerCase());
        const race = FAIR_RACES[of('race')];
        const name = of('file');
        if (name === '' || !age || !gender || !race || cells.length !== columns.length) return `${line} is no file, age, gender and race`;
        return fileSample(name, join(folder, name), { years: AGE_MIDPOINTS[AGES.indexOf(age)] as number, age, gender, race });
      },
      notes,
    );
  },
};

/** Its races have blanks in them. */
const fairCells = cellsBetween(/\s*,\s*/);
const FAIR_LABELS = ['fairface_label_val.csv', 'fairface_label_val.txt'];

const ageOn = ({ set, layout, found, read, notes, paper }: DataSet): Benchmark<Person, { error: number; right: boolean }> => ({
  task: 'age',
  set,
  layout,
  found,
  read: (folder, limit) => read(folder, limit, [...notes, 'the years are those expected of the probabilities of the eight classes']),
  score: ({ age }, { years, age: label }) => ({ error: Math.abs((age as AgeChoice).years - years), right: age?.label === label }),
  rows(scores) {
    const all = [...scores.values()];
    return [
      { name: 'MAE', value: mean(all.map(({ error }) => error)), unit: 'years', ...(paper !== undefined && { paper }) },
      percentRow('accuracy of the class', shareOf(all.map(({ right }) => right))),
    ];
  },
});

const choiceOn = (
  task: 'gender' | 'race',
  { set, layout, found, read, notes }: DataSet,
  paper?: number,
): Benchmark<Person, readonly [string, boolean]> => ({
  task,
  set,
  layout,
  found,
  read: (folder, limit) => read(folder, limit, notes),
  score: (face, label) => [label[task], face[task]?.label === label[task]],
  rows(scores) {
    const { each, all } = choiceRows([...scores.values()], task === 'race' ? RACES : GENDERS, paper);
    return [...each, all];
  },
});

/** The accuracy of each class, and of all pictures. */
function choiceRows(scores: readonly (readonly [string, boolean])[], labels: readonly string[], paper?: number) {
  const each = labels.flatMap((label) => {
    const own = scores.filter(([one]) => one === label);
    return own.length > 0 ? [percentRow(`accuracy ${label}`, shareOf(own.map(([, right]) => right)))] : [];
  });
  return { each, all: percentRow('accuracy', shareOf(scores.map(([, right]) => right)), paper) };
}

const rafDb: Benchmark<Expression, readonly [string, boolean]> = {
  task: 'expression',
  set: 'RAF-DB',
  layout: 'EmoLabel/list_patition_label.txt and Image/aligned/test_0001_aligned.jpg, in the folder or in basic',
  found: (folder) => firstOf(folder, ...RAF_LABELS) !== undefined,
  read(folder, limit) {
    const labels = mustHave(folder, ...RAF_LABELS);
    const pictures = mustHave(folder, 'basic/Image/aligned', 'Image/aligned');
    return listingOf(
      labels,
      linesOf(labels).filter((line) => !line.startsWith('train')),
      limit,
      (line) => {
        const [, name = '', number] = /^\s*(test\S*)\s+(\d)\s*$/.exec(line) ?? [];
        const expression = EXPRESSIONS[Number(number) - 1];
        if (!expression) return `${line} is no test picture with a label from 1 to ${EXPRESSIONS.length}`;
        const aligned = name.replace(/\.(\w+)$/, '_aligned.$1');
        const file = existsSync(join(pictures, aligned)) ? aligned : name;
        return fileSample(name, join(pictures, file), expression);
      },
      ['the test split, aligned pictures whole; the set counts its labels from 1, in the network’s order'],
    );
  },
  score: ({ expression }, label) => [label, expression?.label === label],
  rows(scores) {
    const { each, all } = choiceRows([...scores.values()], EXPRESSIONS, 88.24);
    return [...each, all, percentRow('mean of the classes', mean(each.map(({ value }) => value / 100)))];
  },
};

const RAF_LABELS = ['basic/EmoLabel/list_patition_label.txt', 'EmoLabel/list_patition_label.txt'];

export const peopleBenchmarks: readonly AnyBenchmark[] = [
  ageOn(utkFace),
  ageOn(fairFace),
  choiceOn('gender', utkFace),
  choiceOn('gender', fairFace, 95.22),
  choiceOn('race', utkFace),
  choiceOn('race', fairFace),
  rafDb,
];
