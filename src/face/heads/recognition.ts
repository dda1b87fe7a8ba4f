/** The head of the recognition: numbers that mean something only beside another face's. */
import type { Head } from './head.ts';

export const recognition: Head<{ embedding: Float32Array }> = {
  title: 'Recognition',
  read: (values) => ({ embedding: Float32Array.from(values) }),
  line: ({ embedding }) => `embedding of ${embedding.length} numbers`,
  card: ({ embedding }) => ({ answer: `${embedding.length} numbers`, small: 'compare faces by their cosine', strip: embedding }),
};
