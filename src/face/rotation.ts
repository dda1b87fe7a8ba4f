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
  const [w, x, y, z] = topEigenvector([
    [a + e + i, h - f, c - g, d - b],
    [h - f, a - e - i, b + d, c + g],
    [c - g, b + d, e - a - i, f + h],
    [d - b, c + g, f + h, i - a - e],
  ]);
  // biome-ignore format: three rows of three
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
  ];
}

/** The unit eigenvector of the largest eigenvalue of a symmetric 4x4 matrix, by cyclic Jacobi rotations. `n` is consumed. */
function topEigenvector(n: number[][]): [number, number, number, number] {
  const vectors = [0, 1, 2, 3].map((row) => [0, 1, 2, 3].map((column) => (row === column ? 1 : 0)));
  const get = (rows: number[][], row: number, column: number) => rows[row]?.[column] as number;
  const turn = (rows: number[][], p: number, q: number, cos: number, sin: number) => {
    for (const row of rows) {
      const [left, right] = [row[p] as number, row[q] as number];
      row[p] = cos * left - sin * right;
      row[q] = sin * left + cos * right;
    }
  };
  // Convergence is quadratic: matrices of this size settle in about five sweeps.
  for (let sweep = 0; sweep < 20; sweep++)
    for (let p = 0; p < 3; p++)
      for (let q = p + 1; q < 4; q++) {
        const off = get(n, p, q);
        if (off === 0) continue;
        const theta = (get(n, q, q) - get(n, p, p)) / (2 * off);
        const tan = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cos = 1 / Math.hypot(tan, 1);
        const sin = tan * cos;
        turn(n, p, q, cos, sin);
        const [up, uq] = [n[p] as number[], n[q] as number[]];
        n[p] = up.map((value, k) => cos * value - sin * (uq[k] as number));
        n[q] = up.map((value, k) => sin * value + cos * (uq[k] as number));
        turn(vectors, p, q, cos, sin);
      }
  const top = [1, 2, 3].reduce((best, k) => (get(n, k, k) > get(n, best, best) ? k : best), 0);
  const [w, x, y, z] = vectors.map((row) => row[top] as number) as [number, number, number, number];
  const length = Math.hypot(w, x, y, z);
  return [w / length, x / length, y / length, z / length];
}
