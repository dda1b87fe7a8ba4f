/** An engine of the released form on a backbone of two convolutions, for tests: 5 million weights, held in memory. */
import { headsOf } from '../../src/face/tasks.ts';
import { type Face, FaceXFormer, type LoadOptions, seededCheckpoint } from '../../src/index.ts';
import { BACKBONES } from '../../src/model/backbones/index.ts';
import { tensorsOfNetwork } from '../../src/model/network.ts';
import { remembered } from '../../tools/remembered.ts';
import { toy } from '../model/toy.ts';

(BACKBONES as (typeof toy)[]).push(toy);

/** The same in every load. */
export const weights = remembered(
  seededCheckpoint(tensorsOfNetwork({ backbone: toy, heads: headsOf('released', { stacks: 0, levels: 0 }) })),
);

export const picture = { data: new Uint8Array(64 * 64 * 4).map((_, i) => (i * 37) % 251), width: 64, height: 64 };

export const load = (options: Partial<LoadOptions> = {}): Promise<FaceXFormer> =>
  FaceXFormer.load({ weights, tasks: ['gender', 'age'], ...options });

/** Every number of a face. */
export const numbersOf = ({ faces }: { faces: readonly Partial<Pick<Face, 'age' | 'gender'>>[] }): (Record<string, number> | undefined)[] =>
  faces.flatMap(({ age, gender }) => [age?.probabilities, gender?.probabilities]);
