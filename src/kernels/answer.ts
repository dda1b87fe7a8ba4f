/**
 * What a kernel has to give, in float64 and a number at a time: a few of them are asked of every pipeline before a network runs (graph/self-test.ts).
 * The terms that many kernels' answers are made of stand here.
 */

/** What a kernel reads through a binding: its i-th number, and how many there are. */
export interface Operand {
  (i: number): number;
  readonly size: number;
}

/**
 * From a problem's shape, of one image, and what is bound by the names of the bindings to the i-th number of y: NaN where nothing is written. Of
 * words it gives the word.
 */
export interface Answer<Shape> {
  (shape: Shape, operands: Operands): (i: number) => number;
  /** The first rows of a problem, where a pipeline makes them alike whatever their number; undefined where it had better make all. */
  readonly firstRows?: ((shape: Shape) => FirstRows | undefined) | undefined;
}

/** So many rows `of` those that a shape has: x and y begin with them, and hold no others. */
interface FirstRows {
  readonly shape: unknown;
  readonly rows: number;
  readonly of: number;
  /** Which of the grid's dimensions counts their tiles. */
  readonly axis: 0 | 1;
}

type Name = 'x' | 'x2' | 'x4' | 'x8' | 'lookup' | 'b' | 'c' | 'h' | 'k' | 'n' | 'p' | 'q' | 'r' | 's' | 't' | 'v' | 'w';

export type Operands = Readonly<Record<Name, Operand>>;

export function list(count: number, make: (i: number) => number): number[] {
  const made: number[] = []; // Array.from takes ten times as long
  for (let i = 0; i < count; i++) made.push(make(i));
  return made;
}

export function sum(count: number, term: (k: number) => number): number {
  let total = 0;
  for (let k = 0; k < count; k++) total += term(k);
  return total;
}

/** A row times a column, whose numbers lie `step` apart in w: most of what answers take is here, where no function is called for each term. */
export function dot(row: readonly number[], w: Operand, first: number, step: number): number {
  let total = 0;
  for (let k = 0; k < row.length; k++) total += (row[k] as number) * w(first + k * step);
  return total;
}

/** Keeps what was made of a row, which many of y's numbers are made of. */
export function kept<Made>(make: (row: number) => Made): (row: number) => Made {
  const made = new Map<number, Made>();
  return (row) => {
    const one = made.get(row) ?? make(row);
    made.set(row, one);
    return one;
  };
}

/** y in rows of `width`; of a stream the statistics of each 64 lie behind them: mean, M2, 0, 0. */
export function inRows(width: number, cell: (row: number, column: number) => number, stream = false): (i: number) => number {
  const stride = stream ? (width * 17) / 16 : width;
  const parts = width / 64;
  const statistics = kept((part) => momentsOf(list(64, (j) => cell(Math.floor(part / parts), 64 * (part % parts) + j))));
  return (i) => {
    const row = Math.floor(i / stride);
    const column = i % stride;
    if (column < width) return cell(row, column);
    const { mean, squares } = statistics(row * parts + ((column - width) >> 2));
    return [mean, squares, 0, 0][column % 4] as number;
  };
}

/** The mean, and the sum of the squares of what differs from it. */
export function momentsOf(values: readonly number[]): { mean: number; squares: number } {
  const mean = sum(values.length, (i) => values[i] as number) / values.length;
  return { mean, squares: sum(values.length, (i) => ((values[i] as number) - mean) ** 2) };
}

/** Layer norm of a row. @param n gamma and beta from `first` on */
export function normed(row: readonly number[], eps: number, n: Operand, first = 0): number[] {
  const { mean, squares } = momentsOf(row);
  const scale = 1 / Math.sqrt(squares / row.length + eps);
  return row.map((v, c) => (v - mean) * scale * n(first + c) + n(first + row.length + c));
}

/** Takes mean and deviation of a row from the statistics of its parts of 64. @param at where those of a part begin in x */
export function byStatistics(inner: number, eps: number, x: Operand, at: (part: number) => number): (v: number) => number {
  const parts = inner / 64;
  const mean = sum(parts, (p) => x(at(p))) / parts;
  const squares = sum(parts, (p) => x(at(p) + 1) + 64 * (x(at(p)) - mean) ** 2);
  return (v) => (v - mean) / Math.sqrt(squares / inner + eps);
}

/** What softmax makes of scores, before it is divided by the total. */
export function weighed(scores: readonly number[]): { high: number; total: number; shares: number[] } {
  const high = Math.max(-3e38, ...scores);
  const shares = scores.map((score) => Math.exp(score - high));
  return { high, total: sum(shares.length, (i) => shares[i] as number), shares };
}

/** Of a head: softmax of the scores times the values. */
export function attended(scores: readonly number[], dimensions: number, value: (key: number, d: number) => number): number[] {
  const { total, shares } = weighed(scores);
  return list(dimensions, (d) => sum(shares.length, (key) => (shares[key] as number) * value(key, d)) / total);
}

export const relu = (v: number): number => Math.max(v, 0);

/** Abramowitz and Stegun 7.1.26, as the kernels. */
export function gelu(v: number): number {
  const z = Math.abs(v) * Math.SQRT1_2;
  const t = 1 / (1 + 0.3275911 * z);
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-z * z);
  return 0.5 * v * (v < 0 ? tail : 2 - tail);
}

export function activated(activation: string | undefined, v: number): number {
  if (activation === 'gelu') return gelu(v);
  if (activation === 'relu') return relu(v);
  return activation === 'hardSwish' ? (v * Math.min(relu(v + 3), 6)) / 6 : v;
}

const bits = new DataView(new ArrayBuffer(4));

/** A byte of what a tensor of words holds: operands are read as float32. */
export function byteOf(value: number, index: number): number {
  bits.setFloat32(0, value, true);
  return bits.getUint8(index);
}

/** The highest of the four pixels of a place in a map of twice the side. */
export function highestOfFour(x: Operand, side: number, place: number, channels: number, c: number): number {
  const first = 4 * side * Math.floor(place / side) + 2 * (place % side);
  return Math.max(...list(4, (i) => x((first + 2 * side * (i >> 1) + (i & 1)) * channels + c)));
}

/** Which pixel, of a map of `stride` times the side, a place's window of so many rows and columns has as its tap; undefined beside the map. */
export function pixelOf(place: number, tap: number, side: number, window: number, stride: number): number | undefined {
  const [all, reach] = [side * stride, window >> 1];
  const row = Math.floor(place / side) * stride + Math.floor(tap / window) - reach;
  const column = (place % side) * stride + (tap % window) - reach;
  return row < 0 || column < 0 || row >= all || column >= all ? undefined : row * all + column;
}
