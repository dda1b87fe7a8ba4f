import { sharesOf, taskToFace } from '../../src/kernels/taskToFace.ts';
import { taskToFaceBatchCases, taskToFaceCases } from './crossAttention.ts';

const sharing = { kernel: taskToFace, sharesOf };

export const cases = [...taskToFaceCases(sharing), ...taskToFaceBatchCases(sharing)];
