/** Readings that tell of each of several things how likely it is: a logit each. */
import { ATTRIBUTES, VISIBILITY_POINTS } from '../labels.ts';
import type { Face, Visibility } from '../results.ts';
import { type Reading, sigmoid, sized } from './reading.ts';

/** CelebA's attributes: present or not. */
export const attributes: Reading<NonNullable<Face['attributes']>> = {
  title: 'Attributes',
  labels: ATTRIBUTES,
  read(logits) {
    sized('attributes', logits, ATTRIBUTES.length);
    const entries = ATTRIBUTES.map((name, i) => [name, { probability: sigmoid(logits[i] as number), value: (logits[i] as number) >= 0 }]);
    return Object.fromEntries(entries) as NonNullable<Face['attributes']>;
  },
};

/** COFW's points: occluded or not. */
export const visibility: Reading<Visibility[]> = {
  title: 'Visibility',
  read(logits) {
    sized('visibility', logits, VISIBILITY_POINTS);
    return Array.from(logits, (x, index) => ({ index, occluded: x >= 0, probability: sigmoid(x) }));
  },
};
