import { sharesOf, taskToFace } from '../../src/kernels/taskToFace.ts';
import { taskToFaceCases } from './crossAttention.ts';

export const cases = taskToFaceCases({ kernel: taskToFace, sharesOf });
