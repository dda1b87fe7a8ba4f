/** Seeded weights that are computed in a page. */
import { type Checkpoint, seededCheckpoint } from '../../src/index.ts';
import { type Kind, tensorsOfKind } from '../networks.ts';

/** They are computed on the page's thread: a pause after each tensor keeps the page alive. */
export function seededWeights(kind: Kind, seed?: number, backbone?: string): Checkpoint {
  const checkpoint = seededCheckpoint(tensorsOfKind(kind, { backbone }), seed);
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
