import { directSharesOf, taskToFaceDirect } from '../../src/kernels/taskToFaceDirect.ts';
import { taskToFaceBatchCases, taskToFaceCases } from './crossAttention.ts';

const sharing = { kernel: taskToFaceDirect, sharesOf: directSharesOf };

export const cases = [...taskToFaceCases(sharing), ...taskToFaceBatchCases(sharing)];
