/**
 * The position encodings that the decoder adds to its rows before it projects them: the task tokens' and the map's. (x + e) W = x W + e W, and e W
 * is a constant of the weights, made once in float64.
 */
import type { Fill, Tensor } from '../graph/graph.ts';
import { packWeight, paddedCols } from '../kernels/matmul/role.ts';
import { multiplied } from './fold.ts';
import { embeddingsOf, type Head, tokensOf } from './heads.ts';
import { joined, product, type Rows, stored } from './layers.ts';
import { WIDTH } from './sizes.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

/** Rows of WIDTH values that are added before a projection. They are made from the checkpoint's tensors, in float64. */
export interface PositionEncoding {
  readonly name: string;
  readonly rows: number;
  readonly from: readonly string[];
  make(sources: readonly Float32Array[]): Float64Array;
}

/** A linear layer, and the encoding that is added to the rows before it. */
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
  const fill: Fill = (into, sources) => packWeight(joined(sources, new Float32Array(cols * x.cols)), cols, x.cols, into);
  const weight = t.graph.parameter(`${weights.join(' + ')} packed`, weights, paddedCols(cols) * x.cols, fill, t.dtype);
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
  const fill: Fill = function* (into, sources) {
    const rows = encoding.make(sources.slice(0, encoding.from.length));
    for (const [i, { w }] of encoded.entries()) {
      const weight = new Float64Array(sources[encoding.from.length + i] as Float32Array);
      yield* multiplied(rows, weight, WIDTH, { values: into, cols, first: inner * parts.findIndex((part) => part.w === w) });
    }
  };
  return { operand: graph.parameter(name, from, encoding.rows * cols, fill, dtype), rows: encoding.rows, cols, stride: cols };
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
    const half = WIDTH / 2;
    const centre = (i: number): number => 2 * ((i + 0.5) / side) - 1;
    // Each coordinate has sines and cosines of its own, [side, half]; those of a sum of angles are made of them.
    const along = (first: number, of: (angle: number) => number) =>
      Float64Array.from({ length: side * half }, (_, i) =>
        of(2 * Math.PI * centre(Math.floor(i / half)) * (matrix?.[first + (i % half)] as number)),
      );
    const [sinX, cosX, sinY, cosY] = [along(0, Math.sin), along(0, Math.cos), along(half, Math.sin), along(half, Math.cos)] as const;
    const rows = new Float64Array(side * side * WIDTH);
    for (let p = 0; p < side * side; p++) {
      const [x, y, row] = [(p % side) * half, Math.floor(p / side) * half, p * WIDTH];
      for (let i = 0; i < half; i++) {
        const sx = sinX[x + i] as number;
        const cx = cosX[x + i] as number;
        const sy = sinY[y + i] as number;
        const cy = cosY[y + i] as number;
        rows[row + i] = sx * cy + cx * sy;
        rows[row + half + i] = cx * cy - sx * sy;
      }
    }
    return rows;
  };
  return {
    name: 'position encoding',
    rows: side * side,
    from: [w.at('pe_layer').get('positional_encoding_gaussian_matrix', [2, WIDTH / 2])],
    make,
  };
}
