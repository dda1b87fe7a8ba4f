/**
 * Head pose as angles and as a rotation matrix.
 *
 * Axes are the picture's: x to the right, y down, z out of the picture towards the viewer (so the system is left-handed;
 * negate the second row and column of the matrix for one with y up, which is right-handed). A head that looks straight
 * at the camera has the identity matrix. Its columns are where the head's own axes point: right, down, and the way that
 * the face looks; they are drawn as the red, green and blue axis.
 *
 *     R = Rx(pitch) Ry(yaw) Rz(roll)
 *
 * As drawn, a positive pitch looks up, a positive yaw looks to the right of the picture, and a positive roll tilts the
 * head clockwise. Source: the official inference.py, whose drawing is Hopenet's `draw_axis` with yaw not negated. That
 * the trained network's signs are these is for trained weights to show. docs/results.md has a picture.
 *
 * Matrices are nine numbers, row-major; angles are radians here.
 */

/** Angles in radians. */
export interface Angles {
  readonly pitch: number;
  readonly yaw: number;
  readonly roll: number;
}

/** Nine numbers, row-major. */
export type Matrix3 = readonly [number, number, number, number, number, number, number, number, number];

/** The rotation of three angles in radians. */
export function matrixOf({ pitch, yaw, roll }: Angles): Matrix3 {
  const [cp, sp, cy, sy, cr, sr] = [Math.cos(pitch), Math.sin(pitch), Math.cos(yaw), Math.sin(yaw), Math.cos(roll), Math.sin(roll)];
  // biome-ignore format: three rows of three
  return [
    cy * cr, -cy * sr, sy,
    cp * sr + sp * sy * cr, cp * cr - sp * sy * sr, -sp * cy,
    sp * sr - cp * sy * cr, sp * cr + cp * sy * sr, cp * cy,
  ];
}
