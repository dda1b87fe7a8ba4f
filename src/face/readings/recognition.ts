/** The head of the recognition: numbers that mean something only beside another face's. */
import type { Reading } from './reading.ts';

export const recognition: Reading<{ embedding: Float32Array }> = {
  title: 'Recognition',
  read: (values) => ({ embedding: Float32Array.from(values) }),
  line: ({ embedding }) => `embedding of ${embedding.length} numbers`,
  card: ({ embedding }) => ({ answer: `${embedding.length} numbers`, small: 'compare faces by their cosine', strip: embedding }),
};
