/** Seeded weights that are computed in a page. */
import { type Checkpoint, type Form, seededCheckpoint, tensorsOf } from '../../src/index.ts';

/** They are computed on the page's thread: a pause after each tensor keeps the page alive. */
export function seededWeights(form: Form, seed?: number, backbone?: string): Checkpoint {
  const checkpoint = seededCheckpoint(tensorsOf(form, { backbone }), seed);
  return {
    ...checkpoint,
    async *read(options) {
      for await (const tensor of checkpoint.read(options)) {
        yield tensor;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
  };
}
