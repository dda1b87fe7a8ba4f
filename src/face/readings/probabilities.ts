/** Readings that tell of each of several things how likely it is: a logit each. */
import { ATTRIBUTES, VISIBILITY_POINTS } from '../labels.ts';
import type { Face, Visibility } from '../results.ts';
import { percent, type Reading, sigmoid, sized, spaced } from './reading.ts';

/** CelebA's attributes: present or not. */
export const attributes: Reading<NonNullable<Face['attributes']>> = {
  title: 'Attributes',
  labels: ATTRIBUTES,
  read(logits) {
    sized('attributes', logits, ATTRIBUTES.length);
    const entries = ATTRIBUTES.map((name, i) => [name, { probability: sigmoid(logits[i] as number), value: (logits[i] as number) >= 0 }]);
    return Object.fromEntries(entries) as NonNullable<Face['attributes']>;
  },
  line(found) {
    const present = Object.entries(found).filter(([, { value }]) => value);
    const likeliest = present.sort(([, a], [, b]) => b.probability - a.probability);
    return likeliest.map(([name, { probability }]) => `${spaced(name)} ${percent(probability)}`).join(', ') || 'none';
  },
  card(found) {
    const bars = Object.entries(found).map(([name, { probability, value }]) => ({ label: spaced(name), part: probability, top: value }));
    const present = bars.filter(({ top }) => top).length;
    return { answer: `${present} of ${bars.length}`, small: 'with a probability of at least 50 %', bars };
  },
};

const hidden = (points: readonly Visibility[]): string => `${points.filter(({ occluded }) => occluded).length} of ${points.length}`;

/** COFW's points: occluded or not. */
export const visibility: Reading<Visibility[]> = {
  title: 'Visibility',
  read(logits) {
    sized('visibility', logits, VISIBILITY_POINTS);
    return Array.from(logits, (x, index) => ({ index, occluded: x >= 0, probability: sigmoid(x) }));
  },
  line(points) {
    const which = points.filter(({ occluded }) => occluded).map(({ index }) => index);
    return `${hidden(points)} points occluded${which.length > 0 ? `: ${which.join(' ')}` : ''}`;
  },
  card: (points) => ({
    answer: `${hidden(points)} occluded`,
    small: 'COFW’s points',
    dots: points.map(({ index, occluded, probability }) => ({
      on: occluded,
      title: `point ${index}: occluded with ${percent(probability)}`,
    })),
  }),
};
