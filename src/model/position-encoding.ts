/**
 * The position encodings that the decoder adds to its rows before it projects them: the task tokens' and the map's. (x + e) W = x W + e W, and e W
 * is a constant of the weights, made once in float64.
 */
import type { Tensor } from '../graph/graph.ts';
import { packWeight, paddedCols } from '../kernels/matmul/role.ts';
import { type Into, multiplied } from './fold.ts';
import { embeddingsOf, type Head, tokensOf } from './heads.ts';
import { joined, product, type Rows, stored } from './layers.ts';
import { WIDTH } from './sizes.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

const HALF = WIDTH / 2;

/** Rows of WIDTH values that are added before a projection. They are made from the checkpoint's tensors, in float64. */
export interface PositionEncoding {
  readonly name: string;
  readonly rows: number;
  readonly from: readonly string[];
  make(sources: readonly Float32Array[]): Float64Array;
}

/** A linear layer, and the map's encoding that is added to the rows before it. */
export interface Projection {
  readonly w: Weights;
  readonly encoding?: PositionEncoding | undefined;
}

/**
 * Several projections of the same rows, each to `inner` columns, as one product. Where a projection has an encoding, the encoding's own projection is
 * the product's residual.
 */
export function projections(t: Target, name: string, x: Rows, inner: number, parts: readonly Projection[]): Tensor {
  const cols = inner * parts.length;
  const weights = parts.map(({ w }) => w.get('weight', [inner, x.cols]));
  const weight = t.graph.parameter(`${weights.join(' + ')} packed`, weights, paddedCols(cols) * x.cols, t.dtype, (into, sources) =>
    packWeight(joined(sources, new Float32Array(cols * x.cols)), cols, x.cols, into),
  );
  const bias = stored(t.graph, cols, ...parts.map(({ w }) => w.get('bias', [inner])));
  return product(t, name, x, { weight, bias, cols, residual: encodingTable(t, parts, inner) });
}

/** encoding W^T for the parts that have one, zeros for the others: [the encoding's rows, parts * inner]. */
function encodingTable({ graph, dtype }: Target, parts: readonly Projection[], inner: number): Rows | undefined {
  const encoding = parts.find((part) => part.encoding)?.encoding;
  if (!encoding) return undefined;
  const encoded = parts.filter((part) => part.encoding);
  const cols = parts.length * inner;
  const from = [...encoding.from, ...encoded.map(({ w }) => w.get('weight', [inner, WIDTH]))];
  const name = `${encoding.name} x ${parts.map(({ w, encoding: own }) => (own ? w.path : '0')).join(' + ')}`;
  const operand = graph.parameter(name, from, encoding.rows * cols, dtype, function* (into, sources) {
    // The lower half has the angles of the upper one negated: of its sums only the sines' change sign.
    const upper = encoding.make(sources.slice(0, encoding.from.length)).subarray(0, (encoding.rows / 2) * WIDTH);
    const [sines, cosines] = [halfOf(upper, 0), halfOf(upper, 1)];
    const sums = [0, 1].map(() => new Float64Array((encoding.rows / 2) * inner)) as [Float64Array, Float64Array];
    for (const [i, { w }] of encoded.entries()) {
      const weight = sources[encoding.from.length + i] as Float32Array;
      yield* multiplied(sines, halfOf(weight, 0), HALF, { values: sums[0], cols: inner, first: 0 });
      yield* multiplied(cosines, halfOf(weight, 1), HALF, { values: sums[1], cols: inner, first: 0 });
      mirror(sums, inner, { values: into, cols, first: inner * parts.findIndex((part) => part.w === w) });
    }
  });
  return { operand, rows: encoding.rows, cols, stride: cols };
}

/** The first or the second half of each row of WIDTH. */
function halfOf(rows: Float32Array | Float64Array, half: number): Float64Array {
  const out = new Float64Array(rows.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = rows[i + (Math.floor(i / HALF) + half) * HALF] as number;
  return out;
}

/** Adds what sines and cosines give for the upper half of the rows, and what they give for the lower. */
function mirror([sines, cosines]: readonly [Float64Array, Float64Array], inner: number, { values, cols, first }: Into): void {
  const rows = sines.length / inner;
  for (let at = 0; at < sines.length; at++) {
    const row = Math.floor(at / inner);
    const n = first + (at % inner);
    values[row * cols + n] = (cosines[at] as number) + (sines[at] as number);
    values[(2 * rows - 1 - row) * cols + n] = (cosines[at] as number) - (sines[at] as number);
  }
}

/** The task tokens in the decoder's order: the first queries, and the queries' position encoding everywhere after. */
export function taskTokens(heads: readonly Head[], w: Weights): PositionEncoding {
  const from = heads.flatMap(embeddingsOf).map(({ module, count }) => w.at(module).get('weight', [count, WIDTH]));
  const rows = tokensOf(heads);
  const make = (sources: readonly Float32Array[]) => joined(sources.slice(0, from.length), new Float64Array(rows * WIDTH));
  return { name: 'task tokens', rows, from, make };
}

/**
 * Random Fourier features of the map's pixel centres in [-1, 1] (x, then y): sines, then cosines. In float64 on the CPU: WGSL
 * bounds the error of sin and cos only in [-pi, pi], and half of these arguments lie outside.
 */
export function positionEncoding(side: number, w: Weights): PositionEncoding {
  const make = ([matrix]: readonly Float32Array[]): Float64Array => {
    const rows = new Float64Array(side * side * WIDTH);
    const turn = (i: number): number => (2 * Math.PI * (2 * i + 1 - side)) / side;
    // The last position, the last but one, ... have the angles of the first, the second, ... negated.
    for (let p = 0, mirrored = (side * side - 1) * WIDTH; p < (side * side) / 2; p++, mirrored -= WIDTH) {
      const [x, y] = [turn(p % side), turn(Math.floor(p / side))];
      for (let i = 0, at = p * WIDTH; i < HALF; i++, at++) {
        const angle = x * (matrix?.[i] as number) + y * (matrix?.[HALF + i] as number);
        rows[at] = Math.sin(angle);
        rows[at + HALF] = Math.cos(angle);
        rows[mirrored + i] = -(rows[at] as number);
        rows[mirrored + HALF + i] = rows[at + HALF] as number;
      }
    }
    return rows;
  };
  return {
    name: 'position encoding',
    rows: side * side,
    from: [w.at('pe_layer').get('positional_encoding_gaussian_matrix', [2, HALF])],
    make,
  };
}
