/** Whether what should be numbers is: a face that an app has written, smoothed or read from JSON, where NaN is null, may have others. */
import { badOption } from '../gpu/errors.ts';
import { shown } from '../gpu/given.ts';
import { arePlaces, type Point } from '../image/crop.ts';
import type { Face } from './results.ts';

/** @throws FaceXFormerError BAD_OPTION: a coordinate or an angle of it is no finite number, or a point farther off than any picture is large */
export function mustBeSound({ points = [], landmarks = [], headpose }: Pick<Face, 'points' | 'landmarks' | 'headpose'>): void {
  const ofPoints = (all: readonly Point[]) => all.flatMap(({ x, y }) => [x, y]);
  const numbers = { points: ofPoints(points), landmarks: ofPoints(landmarks), headpose: headpose ? anglesIn(headpose) : [] };
  for (const [name, all] of Object.entries(numbers))
    for (const one of all)
      if (!arePlaces([one])) throw badOption(`A face's \`${name}\` has ${shown(one)} in it, where finite numbers belong, below 1e9.`);
}

/** Whether all numbers in a value are finite, however deep; JSON has null for one that is not. */
export const isSound = (value: unknown): boolean =>
  typeof value === 'object' ? value !== null && Object.values(value).every(isSound) : typeof value !== 'number' || Number.isFinite(value);

const anglesIn = ({ pitch, yaw, roll, radians, matrix }: NonNullable<Face['headpose']>): readonly unknown[] => [
  ...[pitch, yaw, roll, radians.pitch, radians.yaw, radians.roll],
  ...Array.from({ length: 9 }, (_, i) => matrix[i]),
];
