/** What a face's results say to people: a line for the terminal, and a card for a page. Apps are given neither. */
import type { Task } from '../src/face/labels.ts';
import { spaced } from '../src/face/readings/reading.ts';
import type { AgeChoice, Choice, Face, Segmentation, Visibility } from '../src/face/results.ts';

/** A task's results in words. */
interface Telling<Found> {
  /** The result as one line of text. */
  line(found: Found): string;
  card(found: Found): Card;
}

/** What a page shows of a result, without saying how. */
export interface Card {
  /** The answer in a few words, and what is to be said of it in small print. */
  readonly answer?: string;
  readonly small?: string;
  readonly note?: string;
  readonly bars?: readonly Bar[];
  /** Numbered points of two kinds. */
  readonly dots?: readonly { readonly on: boolean; readonly title: string }[];
  readonly rows?: readonly (readonly string[])[];
  /** Rows that are shown when they are asked for. The first cell of a row is its name, where `named`. */
  readonly details?: { readonly summary: string; readonly named: boolean; readonly rows: readonly (readonly string[])[] };
  /** Numbers as a strip of shades. */
  readonly strip?: ArrayLike<number>;
}

/** A share from 0 to 1. */
export interface Bar {
  readonly label: string;
  readonly part: number;
  /** Whether it is the answer, or one of the answers. */
  readonly top?: boolean;
  readonly colour?: readonly number[];
}

/** A share as a person reads it; with a decimal where it is small. */
export const percent = (part: number): string => `${(100 * part).toFixed(part < 0.0995 ? 1 : 0)} %`;

const degrees = (angle: number): string => `${angle.toFixed(1)}°`;

const barsOf = ({ label, probabilities }: Choice<string>) =>
  Object.entries(probabilities).map(([name, part]) => ({ label: spaced(name), part, top: name === label }));

const choice: Telling<Choice<string>> = {
  line: ({ label, probability }) => `${spaced(label)} (${percent(probability)})`,
  card: (found) => ({ answer: spaced(found.label), small: percent(found.probability), bars: barsOf(found) }),
};

const age: Telling<AgeChoice> = {
  line: ({ label, probability, years }) => `${label} (${percent(probability)}), expected ${years.toFixed(1)} years`,
  card: (found) => ({
    answer: found.label,
    small: `(${percent(found.probability)}), expected age ${found.years.toFixed(0)}`,
    bars: barsOf(found),
  }),
};

const headpose: Telling<NonNullable<Face['headpose']>> = {
  line: ({ pitch, yaw, roll }) => `pitch ${degrees(pitch)}, yaw ${degrees(yaw)}, roll ${degrees(roll)}`,
  card: ({ pitch, yaw, roll, matrix }) => ({
    rows: [
      ['pitch', degrees(pitch)],
      ['yaw', degrees(yaw)],
      ['roll', degrees(roll)],
    ],
    details: {
      summary: 'Rotation matrix',
      named: false,
      rows: [0, 3, 6].map((row) => matrix.slice(row, row + 3).map((value) => value.toFixed(4))),
    },
  }),
};

const landmarks: Telling<NonNullable<Face['landmarks']>> = {
  line(points) {
    const range = (values: number[]): string => `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;
    return `${points.length} points, x ${range(points.map(({ x }) => x))}, y ${range(points.map(({ y }) => y))}`;
  },
  card: (points) => ({
    answer: `${points.length} points`,
    small: 'iBUG 300-W',
    details: {
      summary: 'Coordinates in pixels',
      named: true,
      rows: points.map(({ x, y }, i) => [String(i), x.toFixed(1), y.toFixed(1)]),
    },
  }),
};

const rounded = (share: number): string => (share < 0.005 ? '<1 %' : `${Math.round(100 * share)} %`);

/** Each class's share of the pixels, in the order of the labels. */
function shares({ classes, labels }: Segmentation<string>): { label: string; part: number }[] {
  const counts = new Uint32Array(labels.length);
  for (let i = 0; i < classes.length; i++) {
    const index = classes[i] as number;
    counts[index] = (counts[index] as number) + 1;
  }
  return labels.map((label, i) => ({ label, part: (counts[i] as number) / classes.length }));
}

const segmentation: Telling<Segmentation<string>> = {
  line(found) {
    const seen = shares(found).filter(({ part }) => part > 0);
    return seen
      .sort((a, b) => b.part - a.part)
      .map(({ label, part }) => `${label} ${rounded(part)}`)
      .join(', ');
  },
  card: (found) => ({
    note: 'Share of the box that each class takes.',
    bars: shares(found).map((bar, i) => ({ ...bar, colour: found.palette[i] ?? [] })),
  }),
};

const attributes: Telling<NonNullable<Face['attributes']>> = {
  line(found) {
    const present = Object.entries(found)
      .filter(([, { value }]) => value)
      .sort(([, a], [, b]) => b.probability - a.probability);
    return present.map(([name, { probability }]) => `${spaced(name)} ${percent(probability)}`).join(', ') || 'none';
  },
  card(found) {
    const bars = Object.entries(found).map(([name, { probability, value }]) => ({ label: spaced(name), part: probability, top: value }));
    const present = bars.filter(({ top }) => top).length;
    return { answer: `${present} of ${bars.length}`, small: 'with a probability of at least 50 %', bars };
  },
};

const occluded = (points: readonly Visibility[]): string => `${points.filter((point) => point.occluded).length} of ${points.length}`;

const visibility: Telling<Visibility[]> = {
  line(points) {
    const which = points.filter((point) => point.occluded).map(({ index }) => index);
    return `${occluded(points)} points occluded${which.length > 0 ? `: ${which.join(' ')}` : ''}`;
  },
  card: (points) => ({
    answer: `${occluded(points)} occluded`,
    small: 'COFW’s points',
    dots: points.map(({ index, occluded: on, probability }) => ({ on, title: `point ${index}: occluded with ${percent(probability)}` })),
  }),
};

const recognition: Telling<NonNullable<Face['recognition']>> = {
  line: ({ embedding }) => `embedding of ${embedding.length} numbers`,
  card: ({ embedding }) => ({ answer: `${embedding.length} numbers`, small: 'compare faces by their cosine', strip: embedding }),
};

/** The tasks whose results are more than a choice of one class, each of which must have words of its own. */
type Told = { readonly [Name in Task as NonNullable<Face[Name]> extends Choice<string> ? never : Name]: Telling<NonNullable<Face[Name]>> };

const TELLINGS: Told & { readonly age: Telling<AgeChoice> } = {
  segmentation,
  landmarks,
  headpose,
  attributes,
  visibility,
  age,
  recognition,
};

/** How the results of a task are told: as a choice unless the table says otherwise. */
export const tellingOf = (task: string): Telling<unknown> => (TELLINGS[task as keyof typeof TELLINGS] ?? choice) as Telling<unknown>;
