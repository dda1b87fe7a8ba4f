import { crossAttentionDirect, directSharesOf } from '../../src/kernels/crossAttentionDirect.ts';
import { faceToTaskCases, taskToFaceCases } from './crossAttention.ts';

export const cases = [
  ...taskToFaceCases({ kernel: crossAttentionDirect, sharesOf: directSharesOf }).map((one) => ({
    ...one,
    name: `to the face, ${one.name}`,
  })),
  ...faceToTaskCases(crossAttentionDirect).map((one) => ({ ...one, name: `to the tasks, ${one.name}` })),
];
