import { defineKernel, tiles } from './kernel.ts';
import finite from './parts/finite.wgsl';
import head from './parts/taskToFace.wgsl';
import { type TaskToFaceShape, taskToFaceAnswer, taskToFaceConstants, taskToFaceMacs } from './taskToFace.ts';
import wgsl from './taskToFaceDirect.wgsl';

/** Queries of one thread, threads of one workgroup, and keys of one share: 3136 keys are 14 even shares. */
const [QUERIES_EACH, THREADS, SHARE] = [6, 8, 224];

/** How many shares of the keys each query and head comes out in; the counterpart of taskToFace's `sharesOf`. */
export const directSharesOf = ({ keys }: { keys: number }): number => tiles(keys, SHARE);

export const taskToFaceDirect = defineKernel(
  'taskToFaceDirect',
  [wgsl, head, finite],
  (shape: TaskToFaceShape) => {
    const { images = 1, tokens, heads, dtype = 'f32' } = shape;
    return {
      constants: { ...taskToFaceConstants(shape), SHARE },
      machine: { elem: dtype },
      workgroups: [tiles(tiles(tokens, QUERIES_EACH) * heads * directSharesOf(shape), THREADS), images, 1],
      macs: taskToFaceMacs(shape),
    };
  },
  taskToFaceAnswer((_, share) => ({ first: share * SHARE, end: (share + 1) * SHARE, step: 1 }), directSharesOf),
);
