import { type Answer, attended, dot, inRows, kept, list, normed, sum } from './answer.ts';
import { type Dtype, defineKernel, type Images } from './kernel.ts';
import { TILE_COLS } from './matmul/role.ts';
import finite from './parts/finite.wgsl';
import rowTimes from './parts/rowTimes.wgsl';
import wgsl from './tokenUpdate.wgsl';

export interface TokenUpdateShape extends Images {
  /** How many tokens one image has. */
  tokens: number;
  /**
   * What the update is made from: `rows` of `inner` numbers in x's rows, a multiple of 64, from `first` on; the `shares` that taskToFace
   * left; the attention of the tokens among themselves, with q, k, v from `first` on in x's rows; or a `product` of such rows, in shares.
   */
  source:
    | { kind: 'rows'; inner: number; first?: number }
    | { kind: 'shares'; shares: number }
    | { kind: 'attention'; first: number }
    | { kind: 'product'; inner: number; shares: number };
  /** Whether the residual's rows are of one image, the same for all. */
  repeats?: boolean;
  /** Columns that are projected from the updated token, at most 1024. */
  cols: number;
  eps: number;
  /** How the weights are stored; float32 by default. */
  dtype?: Dtype;
}

const WIDTH = 256;
const SOURCES = ['rows', 'shares', 'attention', 'product'] as const;

/** Numbers of a row a[t]. */
export const updateInner = ({ source }: Pick<TokenUpdateShape, 'source'>): number =>
  'inner' in source ? source.inner : source.kind === 'shares' ? WIDTH / 2 : WIDTH;

const answer: Answer<TokenUpdateShape> = ({ tokens, source, cols, eps }, { x, r, w, n, c }) => {
  const stride = x.size / tokens;
  const first = 'shares' in source ? 0 : (source.first ?? 0);
  const inner = updateInner({ source });
  const headOf = (token: number, head: number): number[] => {
    if (source.kind === 'shares') {
      const at = (share: number, i: number) => x(((token * 8 + head) * source.shares + share) * 20 + i);
      const high = Math.max(...list(source.shares, (share) => at(share, 16)));
      const total = (i: number) => sum(source.shares, (share) => Math.exp(at(share, 16) - high) * at(share, i));
      return list(16, (d) => total(d) / total(17));
    }
    const at = (key: number, part: number, d: number) => x(key * stride + first + part * WIDTH + head * 32 + d);
    const scores = list(tokens, (key) => sum(32, (d) => at(token, 0, d) * at(key, 1, d)));
    return attended(scores, 32, (key, d) => at(key, 2, d));
  };
  const productOf = (token: number): ((column: number) => number) => {
    if (source.kind === 'product') return (column) => sum(source.shares, (share) => x((share * tokens + token) * WIDTH + column));
    const a =
      source.kind === 'rows' ? list(inner, (k) => x(token * stride + first + k)) : list(8, Number).flatMap((head) => headOf(token, head));
    return (column) => dot(a, w, Math.floor(column / TILE_COLS) * inner * TILE_COLS + (column % TILE_COLS), TILE_COLS);
  };
  const updated = kept((token) => {
    const product = productOf(token);
    const own = (column: number) => n(column) + r((token * r.size) / tokens + column) + product(column);
    return normed(list(WIDTH, own), eps, n, WIDTH);
  });
  return inRows(WIDTH + cols, (token, column) => {
    const u = updated(token);
    const p = column - WIDTH;
    return p < 0 ? (u[column] as number) : c(token * cols + p) + dot(u, w, inner * WIDTH + p, cols);
  });
};

/** @param threads of a workgroup, 64 or 256; `mostInner`: numbers of a row that workgroup memory may hold, 256 at least */
const of = (threads: number, mostInner: number) =>
  defineKernel(
    'tokenUpdate',
    [wgsl, rowTimes, finite],
    (shape: TokenUpdateShape) => {
      const { tokens, images = 1, source, repeats = false, cols, eps, dtype = 'f32' } = shape;
      if (tokens > 112 || cols > 4 * WIDTH) throw new RangeError(`tokenUpdate: ${tokens} x ${cols}`);
      const { kind } = source;
      const inner = updateInner(shape);
      const split = cols === 0 || threads < 256 ? 1 : 2 ** Math.floor(Math.log2((4 * threads) / cols));
      return {
        constants: {
          SOURCE: SOURCES.indexOf(kind),
          INNER: inner,
          TOKENS: tokens,
          X_FIRST: 'shares' in source ? 0 : (source.first ?? 0) / 4,
          REPEATS: Number(repeats && images > 1),
          COLS: cols,
          SPLIT: Math.min(split, 16),
          EPS: eps,
        },
        machine: {
          THREADS: threads,
          MAX_INNER: kind === 'rows' && inner > WIDTH ? mostInner : WIDTH,
          MAX_TOKENS: kind === 'attention' ? tokens : 1,
          SHARES: kind === 'product' ? source.shares : 1,
          weight: dtype,
        },
        workgroups: [images * tokens, 1, 1],
        macs: images * tokens * ((kind === 'product' ? 0 : inner) * WIDTH + WIDTH * cols + attentionMacs(shape)),
      };
    },
    answer,
  );

/** A row of 2048 numbers is read once into workgroup memory: read from storage for each step, it took twice as long on an NVIDIA H200. */
export const tokenUpdate = of(256, 2048);

/** The variant for CPUs that run WebGPU: what takes long to compile there, it has less of, which is memory of a workgroup, loads and barriers. */
export const tokenUpdateSmall = of(64, WIDTH);

function attentionMacs({ source, tokens }: TokenUpdateShape): number {
  return source.kind === 'attention' ? 2 * tokens * WIDTH : source.kind === 'shares' ? (source.shares * WIDTH) / 2 : 0;
}
