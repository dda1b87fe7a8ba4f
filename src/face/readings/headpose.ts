/** The head of the head pose: three angles in the released form, nine numbers of a matrix in the paper's. */
import type { Form } from '../forms.ts';
import { strokeRimmed } from '../pen.ts';
import { type Angles, type Matrix3, matrixOf } from '../pose.ts';
import type { HeadPose } from '../results.ts';
import { anglesOf, nearestRotation } from '../rotation.ts';
import { fixed, type Numbers, type Reading, sized } from './reading.ts';

/** The rotation that a form's numbers mean. */
function rotationOf(values: Numbers, form: Form): { radians: Angles; matrix: Matrix3 } {
  if (form === 'paper') {
    const matrix = nearestRotation(sized('headpose', values, 9));
    return { radians: anglesOf(matrix), matrix };
  }
  const [pitch, yaw, roll] = sized('headpose', values, 3) as unknown as [number, number, number];
  const radians = { pitch, yaw, roll };
  return { radians, matrix: matrixOf(radians) };
}

const inDegrees = (radians: number): number => (radians * 180) / Math.PI;
const whole = (angle: number): string => `${Math.round(angle)}°`;
const degrees = (angle: number): string => `${fixed(angle, 1)}°`;

export const headpose: Reading<HeadPose> = {
  title: 'Head pose',
  read(values, { form }) {
    const { radians, matrix } = rotationOf(values, form);
    return { pitch: inDegrees(radians.pitch), yaw: inDegrees(radians.yaw), roll: inDegrees(radians.roll), radians, matrix };
  },
  line: ({ pitch, yaw, roll }) => `pitch ${degrees(pitch)}, yaw ${degrees(yaw)}, roll ${degrees(roll)}`,
  card: ({ pitch, yaw, roll, matrix }) => ({
    rows: [
      ['pitch', degrees(pitch)],
      ['yaw', degrees(yaw)],
      ['roll', degrees(roll)],
    ],
    details: {
      summary: 'Rotation matrix',
      named: false,
      rows: [0, 3, 6].map((row) => matrix.slice(row, row + 3).map((value) => fixed(value, 4))),
    },
  }),
  caption: ({ pitch, yaw, roll }) => ({ line: `pitch ${whole(pitch)}  yaw ${whole(yaw)}  roll ${whole(roll)}` }),
  drawn: {
    as: 'lines',
    /** The columns of the rotation matrix from the middle of the box, seen along z: the official script's axes. */
    draw(pen, { matrix }, { x0, y0, x1, y1 }) {
      const { ctx, unit, colours } = pen;
      const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
      const length = Math.min(x1 - x0, y1 - y0) * 0.35;
      colours.axes.forEach((colour, axis) => {
        ctx.beginPath();
        ctx.moveTo(x, y);
        ctx.lineTo(x + length * (matrix[axis] as number), y + length * (matrix[3 + axis] as number));
        strokeRimmed(pen, colour, 2 * unit);
      });
    },
  },
};
