import { faceToTask } from '../../src/kernels/faceToTask.ts';
import { faceToTaskCases } from './crossAttention.ts';

export const cases = faceToTaskCases(faceToTask);
