/** Head pose on BIWI: the mean absolute error of pitch, yaw and roll, in degrees. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HeadPose } from '../../src/face/results.ts';
import { linesOf } from '../bulk/pictures.ts';
import { type Benchmark, fileSample, finderIn, firstOf, listingOf, namesIn } from './benchmark.ts';
import { angleBetween, mean } from './metrics.ts';

interface Label {
  readonly pitch: number;
  readonly yaw: number;
  readonly roll: number;
}

const AXES = ['pitch', 'yaw', 'roll'] as const;
/** The paper's errors (its table 5). */
const PAPER = { pitch: 3.97, yaw: 3.91, roll: 2.67 } as const;

/**
 * The angles of a frame_NNNNN_pose.txt: three rows of a rotation matrix, then where the head is. The angles are Hopenet's, which the benchmark is known by: of the matrix's
 * transpose, roll = -atan2(R10, R00), yaw = -atan2(-R20, hypot(R21, R22)), pitch = atan2(R21, R22).
 */
export function anglesOf(path: string): Label | string {
  if (!existsSync(path)) return `there is no ${path}`;
  const rows = linesOf(path)
    .slice(0, 3)
    .map((line) => line.trim().split(/\s+/).map(Number));
  // Each row of a rotation is of length 1.
  if (rows.length !== 3 || rows.some((row) => row.length !== 3 || !(Math.abs(Math.hypot(...row) - 1) < 0.01)))
    return `${path} has no rotation matrix`;
  const at = (row: number, column: number) => rows[column]?.[row] as number; // of the transpose
  const degrees = (radians: number) => (radians * 180) / Math.PI;
  return {
    pitch: degrees(Math.atan2(at(2, 1), at(2, 2))),
    yaw: -degrees(Math.atan2(-at(2, 0), Math.hypot(at(2, 1), at(2, 2)))),
    roll: -degrees(Math.atan2(at(1, 0), at(0, 0))),
  };
}

const home = (folder: string) => firstOf(folder, 'hpdb', 'faces_0') ?? folder;
const people = (folder: string) => namesIn(home(folder)).filter((name) => /^\d\d$/.test(name));

export const biwi: Benchmark<Label, readonly [number, number, number]> = {
  task: 'headpose',
  set: 'BIWI',
  layout: 'hpdb/01/frame_00003_rgb.png and frame_00003_pose.txt, to hpdb/24',
  found: (folder) => people(folder).length > 0,
  read(folder, limit) {
    const frames = people(folder).flatMap((person) => {
      const find = finderIn(join(home(folder), person));
      return namesIn(join(home(folder), person))
        .filter((name) => /_rgb\.(png|jpe?g)$/i.test(name))
        .map((name) => ({ name: `${person}/${name}`, pose: find(name.replace(/_rgb\.\w+$/i, '_pose.txt')) }));
    });
    return listingOf(
      home(folder),
      frames,
      limit,
      ({ name, pose }) => {
        const angles = anglesOf(pose);
        return typeof angles === 'string' ? angles : fileSample(name, join(home(folder), name), angles, 'detect');
      },
      ['each face is the largest that MTCNN finds; a frame where it finds none is left out', 'angles are labelled as Hopenet reads them'],
    );
  },
  score: ({ headpose }, label) =>
    AXES.map((axis) => angleBetween((headpose as HeadPose)[axis], label[axis])) as unknown as [number, number, number],
  rows(scores) {
    const all = [...scores.values()];
    const errors = AXES.map((_, i) => mean(all.map((each) => each[i] as number)));
    return [
      ...AXES.map((axis, i) => ({ name: `MAE ${axis}`, value: errors[i] as number, unit: '°' as const, paper: PAPER[axis] })),
      { name: 'MAE', value: mean(errors), unit: '°', paper: 3.52 },
    ];
  },
};
