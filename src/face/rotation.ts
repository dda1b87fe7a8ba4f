/** The paper form's head pose: nine numbers to a rotation, and a rotation to its angles. pose.ts says about which axes and in what order. */
import type { Angles, Matrix3 } from './pose.ts';

/** Below this cosine of yaw, pitch and roll turn about the same line and only their sum or difference is known. */
const GIMBAL_LOCK = 1e-9;

/**
 * The angles of a rotation in radians: yaw in [-pi/2, pi/2], pitch and roll in [-pi, pi]. In gimbal lock (the head turned
 * a quarter to the side) roll is 0 and pitch carries the whole turn. `matrixOf` gives the same rotation back, near the
 * lock too, because pitch is read from what is left after roll is undone.
 */
export function anglesOf(r: Matrix3): Angles {
  const cosYaw = Math.hypot(r[0], r[1]);
  const roll = cosYaw < GIMBAL_LOCK ? 0 : Math.atan2(-r[1], r[0]);
  const [cr, sr] = [Math.cos(roll), Math.sin(roll)];
  return { pitch: Math.atan2(sr * r[6] + cr * r[7], sr * r[3] + cr * r[4]), yaw: Math.atan2(r[2], cosYaw), roll };
}

/**
 * The rotation nearest to nine finite numbers in the sum of squares: U diag(1, 1, det(U V^T)) V^T of their SVD.
 *
 * Found as the unit quaternion q that maximises sum(R(q) * m) = q^T N q, the top eigenvector of a symmetric 4x4 matrix
 * (Davenport's q-method; Horn 1987). A unit quaternion is a rotation whatever it came from, so singular, reflected and
 * all-zero input (which gives the identity) need no cases of their own.
 */
export function nearestRotation(m: ArrayLike<number>): Matrix3 {
  const scale = Math.max(...Array.from({ length: 9 }, (_, i) => Math.abs(m[i] as number))) || 1;
  const at = (i: number) => (m[i] as number) / scale;
  const [a, b, c, d, e, f, g, h, i] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8)];
  // biome-ignore format: four rows of four
  const [w, x, y, z] = topEigenvector([
    a + e + i, h - f, c - g, d - b,
    h - f, a - e - i, b + d, c + g,
    c - g, b + d, e - a - i, f + h,
    d - b, c + g, f + h, i - a - e,
  ]);
  // biome-ignore format: three rows of three
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
  ];
}

/** The unit eigenvector of the largest eigenvalue of a symmetric 4x4 matrix, row by row, by cyclic Jacobi rotations. `n` is consumed. */
function topEigenvector(n: number[]): [number, number, number, number] {
  const vectors = Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const at = (row: number, column: number) => n[4 * row + column] as number;
  /** Turns two columns or rows, which begin at p and q and whose numbers lie `step` apart. */
  const turn = (matrix: number[], p: number, q: number, step: number, cos: number, sin: number) => {
    for (let k = 0; k < 4 * step; k += step) {
      const left = matrix[p + k] as number;
      const right = matrix[q + k] as number;
      matrix[p + k] = cos * left - sin * right;
      matrix[q + k] = sin * left + cos * right;
    }
  };
  // Convergence is quadratic: matrices of this size settle in about five sweeps.
  for (let sweep = 0; sweep < 20; sweep++)
    for (let p = 0; p < 3; p++)
      for (let q = p + 1; q < 4; q++) {
        const off = at(p, q);
        if (off === 0) continue;
        const theta = (at(q, q) - at(p, p)) / (2 * off);
        const tan = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cos = 1 / Math.hypot(tan, 1);
        const sin = tan * cos;
        turn(n, p, q, 4, cos, sin);
        turn(n, 4 * p, 4 * q, 1, cos, sin);
        turn(vectors, p, q, 4, cos, sin);
      }
  const top = [1, 2, 3].reduce((best, k) => (at(k, k) > at(best, best) ? k : best), 0);
  const [w, x, y, z] = [0, 4, 8, 12].map((row) => vectors[row + top]) as [number, number, number, number];
  const length = Math.hypot(w, x, y, z);
  return [w / length, x / length, y / length, z / length];
}
