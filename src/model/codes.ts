/**
 * What the decoder adds before its projections: the task tokens' code and the map's. (x + code) W = x W + code W, and code W is a
 * constant of the weights, made once in float64.
 */
import type { Fill, Tensor } from '../graph/graph.ts';
import { packWeight, paddedCols } from '../kernels/matmul/role.ts';
import { multiplied } from './fold.ts';
import { type PlacedHead, tokensOf } from './heads.ts';
import { joined, product, type Rows, stored } from './layers.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

/** Of the decoder: the width of its tokens, that of its cross-attention, heads and layers. */
export const WIDTH = 256;
export const INNER = 128;
export const HEADS = 8;
export const DEPTH = 2;

/** A position code: rows of WIDTH values that are added before a projection. Made from the checkpoint, in float64. */
export interface Code {
  readonly name: string;
  readonly rows: number;
  readonly from: readonly string[];
  make(sources: readonly Float32Array[]): Float64Array;
}

export interface Part {
  readonly w: Weights;
  readonly code?: Code | undefined;
}

/**
 * Several projections of the same rows, each to `inner` columns, as one product. A position code is added before some of them:
 * (x + code) W = x W + code W, and code W is a constant of the weights, made once in float64.
 */
export function projections(t: Target, name: string, x: Rows, inner: number, parts: readonly Part[]): Tensor {
  const cols = inner * parts.length;
  const weights = parts.map(({ w }) => w.get('weight', [inner, x.cols]));
  const fill: Fill = (into, sources) => packWeight(joined(sources, new Float32Array(cols * x.cols)), cols, x.cols, into);
  const weight = t.graph.parameter(`${weights.join(' + ')} packed`, weights, paddedCols(cols) * x.cols, fill, t.dtype);
  const bias = stored(t.graph, cols, ...parts.map(({ w }) => w.get('bias', [inner])));
  return product(t, name, x, { weight, bias, cols, residual: codeTable(t, parts, inner) });
}

/** code W^T for the parts that have a code, zeros for the others: [code's rows, parts * inner]. */
function codeTable({ graph, dtype }: Target, parts: readonly Part[], inner: number): Rows | undefined {
  const code = parts.find((part) => part.code)?.code;
  if (!code) return undefined;
  const coded = parts.filter((part) => part.code);
  const cols = parts.length * inner;
  const from = [...code.from, ...coded.map(({ w }) => w.get('weight', [inner, WIDTH]))];
  const name = `${code.name} x ${parts.map(({ w, code: own }) => (own ? w.path : '0')).join(' + ')}`;
  const fill: Fill = function* (into, sources) {
    const rows = code.make(sources.slice(0, code.from.length));
    for (const [i, { w }] of coded.entries()) {
      const weight = new Float64Array(sources[code.from.length + i] as Float32Array);
      yield* multiplied(rows, weight, WIDTH, { values: into, cols, first: inner * parts.findIndex((part) => part.w === w) });
    }
  };
  return { operand: graph.parameter(name, from, code.rows * cols, fill, dtype), rows: code.rows, cols, stride: cols };
}

/** The task tokens in the decoder's order: the first queries, and the queries' position code everywhere after. */
export function taskTokens(heads: readonly PlacedHead[], w: Weights): Code {
  const from = heads.map(({ tokens, count }) => w.at(tokens).get('weight', [count, WIDTH]));
  const rows = tokensOf(heads);
  const make = (sources: readonly Float32Array[]): Float64Array => {
    const all = new Float64Array(rows * WIDTH);
    for (const [i, { first }] of heads.entries()) all.set(sources[i] as Float32Array, first * WIDTH);
    return all;
  };
  return { name: 'task tokens', rows, from, make };
}

/**
 * Random Fourier features of the map's pixel centres in [-1, 1] (x, then y): sines, then cosines. In float64 on the CPU: WGSL
 * bounds the error of sin and cos only in [-pi, pi], and half of these arguments lie outside.
 */
export function positionCode(side: number, w: Weights): Code {
  const make = ([matrix]: readonly Float32Array[]): Float64Array => {
    const half = WIDTH / 2;
    const centre = (i: number): number => 2 * ((i + 0.5) / side) - 1;
    // Of each coordinate alone, [side, half]: the sine of a sum is made of theirs.
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
    name: 'position code',
    rows: side * side,
    from: [w.at('pe_layer').get('positional_encoding_gaussian_matrix', [2, WIDTH / 2])],
    make,
  };
}
