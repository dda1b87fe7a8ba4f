/** Readings that choose one of several classes: a logit each. */
import { AGE_MIDPOINTS, AGES } from '../labels.ts';
import type { AgeChoice, Choice } from '../results.ts';
import { type Bar, type Numbers, percent, type Reading, sized, spaced } from './reading.ts';

/** Softmax in float64, less the largest logit so that nothing overflows. */
function softmax(logits: Numbers): number[] {
  const largest = Math.max(...logits);
  const parts = Array.from(logits, (x) => Math.exp(x - largest));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / sum);
}

function choiceOf<Label extends string>(output: string, labels: readonly Label[], logits: Numbers): Choice<Label> {
  const p = softmax(sized(output, logits, labels.length));
  const best = logits.indexOf(Math.max(...logits));
  return {
    label: labels[best] as Label,
    probability: p[best] as number,
    probabilities: Object.fromEntries(labels.map((label, i) => [label, p[i]])) as Record<Label, number>,
  };
}

const barsOf = ({ label, probabilities }: Choice<string>): Bar[] =>
  Object.entries<number>(probabilities).map(([name, part]) => ({ label: spaced(name), part, top: name === label }));

/** A head that chooses one of `labels`. `captioned`: it is told in the caption under a face. */
export function choice<Label extends string>(title: string, labels: readonly Label[], { captioned = false } = {}): Reading<Choice<Label>> {
  return {
    title,
    labels,
    read: (logits) => choiceOf(title.toLowerCase(), labels, logits),
    line: ({ label, probability }) => `${spaced(label)} (${percent(probability)})`,
    card: (found) => ({ answer: spaced(found.label), small: percent(found.probability), bars: barsOf(found) }),
    ...(captioned && { caption: ({ label }) => ({ words: spaced(label) }) }),
  };
}

/** Years are classes too, which have a middle. */
export const age: Reading<AgeChoice> = {
  title: 'Age',
  labels: AGES,
  read(logits) {
    const found = choiceOf('age', AGES, logits);
    const years = AGES.reduce((sum, label, i) => sum + found.probabilities[label] * (AGE_MIDPOINTS[i] as number), 0);
    return { ...found, years };
  },
  line: ({ label, probability, years }) => `${label} (${percent(probability)}), expected ${years.toFixed(1)} years`,
  card: (found) => ({
    answer: found.label,
    small: `(${percent(found.probability)}), expected age ${found.years.toFixed(0)}`,
    bars: barsOf(found),
  }),
  caption: ({ label }) => ({ words: `${label} years` }),
};
