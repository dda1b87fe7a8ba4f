/**
 * The position encodings that the decoder adds to its rows before it projects them: the task tokens' and the map's. (x + e) W = x W + e W, and e W
 * is a constant of the weights, made once in float64.
 */
import type { Tensor } from '../graph/graph.ts';
import { packWeight, paddedCols } from '../kernels/matmul/role.ts';
import { type Into, multiplied } from './fold.ts';
import { embeddingsOf, type Head, tokensOf } from './heads.ts';
import { joined, type Product, product, rowsOfTensor, stored } from './layers.ts';
import { INNER, WIDTH } from './sizes.ts';
import type { Target } from './target.ts';
import type { Weights } from './weights.ts';

const HALF = WIDTH / 2;

/** Rows of WIDTH values that are added before a projection. They are made in float64 from the first of the tensors that `make` is given: those of `from`. */
export interface PositionEncoding {
  readonly name: string;
  readonly rows: number;
  readonly from: readonly string[];
  make(sources: readonly Float32Array[]): Float64Array;
}

/** A linear layer, and whether the map's encoding is added to the rows before it. */
export interface Projection {
  readonly w: Weights;
  readonly encoded?: boolean;
}

/** Several projections of the map's rows, each to INNER columns, as one product, whose residual is what they make of the encoding. */
export function projections(t: Target, name: string, face: Tensor, encoding: PositionEncoding, parts: readonly Projection[]): Tensor {
  const cols = INNER * parts.length;
  const weights = parts.map(({ w }) => w.get('weight', [INNER, WIDTH]));
  const weight = t.graph.parameter(`${weights.join(' + ')} packed`, weights, paddedCols(cols) * WIDTH, t.dtype, (into, sources) =>
    packWeight(joined(sources, new Float32Array(cols * WIDTH)), cols, WIDTH, into),
  );
  const bias = stored(t.graph, cols, ...parts.map(({ w }) => w.get('bias', [INNER])));
  return product(t, name, rowsOfTensor(face), { weight, bias, cols, residual: encodingTable(t, encoding, parts) });
}

/** encoding W^T for the parts that are encoded, zeros for the others, of the whole map: [side * side, parts * INNER]. */
function encodingTable({ graph, dtype }: Target, encoding: PositionEncoding, parts: readonly Projection[]): Product['residual'] {
  const encoded = parts.filter((part) => part.encoded);
  const cols = parts.length * INNER;
  const from = [...encoding.from, ...encoded.map(({ w }) => w.get('weight', [INNER, WIDTH]))];
  const name = `${encoding.name} x ${parts.map((part) => (part.encoded ? part.w.path : '0')).join(' + ')}`;
  const rows = 2 * encoding.rows;
  const operand = graph.parameter(name, from, rows * cols, dtype, function* (into, sources) {
    const upper = encoding.make(sources);
    const [sines, cosines] = [halfOf(upper, 0), halfOf(upper, 1)];
    const sums = [0, 1].map(() => new Float64Array(encoding.rows * INNER)) as [Float64Array, Float64Array];
    for (const [i, part] of encoded.entries()) {
      const weight = sources[encoding.from.length + i] as Float32Array;
      yield* multiplied(sines, halfOf(weight, 0), HALF, { values: sums[0], cols: INNER, first: 0 });
      yield* multiplied(cosines, halfOf(weight, 1), HALF, { values: sums[1], cols: INNER, first: 0 });
      mirror(sums, { values: into, cols, first: INNER * parts.indexOf(part) });
    }
  });
  return { operand, rows };
}

/** The first or the second half of each row of WIDTH. */
function halfOf(rows: Float32Array | Float64Array, half: number): Float64Array {
  const out = new Float64Array(rows.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = rows[i + (Math.floor(i / HALF) + half) * HALF] as number;
  return out;
}

/** Adds what sines and cosines give for the upper half of the rows, and for the lower, whose angles are negated: of the sums only the sines' change sign. */
function mirror([sines, cosines]: readonly [Float64Array, Float64Array], { values, cols, first }: Into): void {
  const rows = sines.length / INNER;
  for (let at = 0; at < sines.length; at++) {
    const row = Math.floor(at / INNER);
    const n = first + (at % INNER);
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
 * Random Fourier features of the map's pixel centres in [-1, 1] (x, then y): sines, then cosines; of its upper half, since the last pixel has the angles
 * of the first negated, the last but one those of the second. In float64 on the CPU: WGSL bounds the error of sin and cos only in [-pi, pi], and half of
 * these arguments lie outside.
 */
export function positionEncoding(side: number, w: Weights): PositionEncoding {
  const rows = (side * side) / 2;
  const turn = (i: number): number => (2 * Math.PI * (2 * i + 1 - side)) / side;
  const make = ([matrix]: readonly Float32Array[]): Float64Array => {
    const made = new Float64Array(rows * WIDTH);
    for (let p = 0; p < rows; p++) {
      const [x, y] = [turn(p % side), turn(Math.floor(p / side))];
      for (let i = 0, at = p * WIDTH; i < HALF; i++, at++) {
        const angle = x * (matrix?.[i] as number) + y * (matrix?.[HALF + i] as number);
        made[at] = Math.sin(angle);
        made[at + HALF] = Math.cos(angle);
      }
    }
    return made;
  };
  const from = [w.at('pe_layer').get('positional_encoding_gaussian_matrix', [2, HALF])];
  return { name: 'position encoding', rows, from, make };
}
