/**
 * The inverse cosine transform of 8 x 8 coefficients in libjpeg's integers (its "islow"): Loeffler, Ligtenberg and Moschytz's algorithm with 13 bits
 * behind the point, 2 of which the columns leave to the rows.
 */

const BITS = 13;
const COLUMN_BITS = 2;
const fixed = (factor: number) => Math.round(factor * 2 ** BITS);

const [C0298, C0390, C0541, C0765] = [0.298631336, 0.390180644, 0.5411961, 0.765366865].map(fixed) as [number, number, number, number];
const [C0899, C1175, C1501, C1847] = [0.899976223, 1.175875602, 1.50132111, 1.847759065].map(fixed) as [number, number, number, number];
const [C1961, C2053, C2562, C3072] = [1.96157056, 2.053119869, 2.562915447, 3.072711026].map(fixed) as [number, number, number, number];

const work = new Int32Array(64);

/** Coefficients, row by row, become 8 x 8 samples from `at` on, whose rows are `stride` apart. */
export function transformBlock(coefficients: Int16Array, quantisation: Uint16Array, samples: Uint8Array, at: number, stride: number): void {
  let isFlat = true;
  for (let i = 0; i < 64; i++) {
    const value = coefficients[i] as number;
    work[i] = Math.imul(value, quantisation[i] as number);
    if (value !== 0 && i > 0) isFlat = false;
  }
  if (isFlat) {
    const value = bounded((((work[0] as number) << COLUMN_BITS) + 16) >> 5);
    for (let row = 0; row < 8; row++) samples.fill(value, at + row * stride, at + row * stride + 8);
    return;
  }
  for (let column = 0; column < 8; column++) transformLine(column, 8, BITS - COLUMN_BITS);
  for (let row = 0; row < 8; row++) {
    transformLine(8 * row, 1, BITS + COLUMN_BITS + 3);
    for (let column = 0; column < 8; column++) samples[at + row * stride + column] = bounded(work[8 * row + column] as number);
  }
}

const bounded = (value: number) => Math.min(Math.max(value + 128, 0), 255);

/** One row or column of `work`, in place: eight numbers, `step` apart, whose last `shift` bits are rounded away. */
function transformLine(first: number, step: number, shift: number): void {
  const at1 = first + step;
  const at2 = at1 + step;
  const at3 = at2 + step;
  const at4 = at3 + step;
  const at5 = at4 + step;
  const at6 = at5 + step;
  const at7 = at6 + step;
  const [in0, in1, in2, in3] = [work[first] as number, work[at1] as number, work[at2] as number, work[at3] as number];
  const [in4, in5, in6, in7] = [work[at4] as number, work[at5] as number, work[at6] as number, work[at7] as number];
  const round = 1 << (shift - 1);

  const turned = Math.imul(in2 + in6, C0541);
  const even2 = turned - Math.imul(in6, C1847);
  const even3 = turned + Math.imul(in2, C0765);
  const sum = ((in0 + in4) << BITS) + round;
  const difference = ((in0 - in4) << BITS) + round;
  const [outer, inner] = [sum + even3, difference + even2];
  const [outerMirrored, innerMirrored] = [sum - even3, difference - even2];

  const all = Math.imul(in1 + in3 + in5 + in7, C1175);
  const far = Math.imul(in1 + in7, -C0899);
  const near = Math.imul(in3 + in5, -C2562);
  const odds37 = Math.imul(in3 + in7, -C1961) + all;
  const odds15 = Math.imul(in1 + in5, -C0390) + all;
  const odd0 = Math.imul(in7, C0298) + far + odds37;
  const odd1 = Math.imul(in5, C2053) + near + odds15;
  const odd2 = Math.imul(in3, C3072) + near + odds37;
  const odd3 = Math.imul(in1, C1501) + far + odds15;

  work[first] = (outer + odd3) >> shift;
  work[at7] = (outer - odd3) >> shift;
  work[at1] = (inner + odd2) >> shift;
  work[at6] = (inner - odd2) >> shift;
  work[at2] = (innerMirrored + odd1) >> shift;
  work[at5] = (innerMirrored - odd1) >> shift;
  work[at3] = (outerMirrored + odd0) >> shift;
  work[at4] = (outerMirrored - odd0) >> shift;
}
