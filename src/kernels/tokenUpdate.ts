import { type Dtype, defineKernel } from './kernel.ts';
import wgsl from './tokenUpdate.wgsl';

export interface TokenUpdateShape {
  /** Of one image. */
  tokens: number;
  images?: number;
  /**
   * What the update is made from: `rows` of `inner` numbers in x, a multiple of 64, from `first` on in rows of `stride`; the `shares` that taskToFace
   * left; or the attention of the tokens among themselves, with q, k, v from `first` on in rows of `stride`.
   */
  source:
    | { kind: 'rows'; inner: number; stride: number; first?: number }
    | { kind: 'shares'; shares: number }
    | { kind: 'attention'; stride: number; first: number };
  /** Numbers from one row of r to the next, and whether its rows are of one image, the same for all. */
  residual: { stride: number; repeats?: boolean };
  /** Columns that are projected from the updated token, at most 1024. */
  cols: number;
  eps: number;
  /** Of the weights. */
  dtype?: Dtype;
}

const WIDTH = 256;
const SOURCES = ['rows', 'shares', 'attention'] as const;

/** Numbers of a row a[t]. */
export const updateInner = ({ source }: Pick<TokenUpdateShape, 'source'>): number =>
  source.kind === 'rows' ? source.inner : source.kind === 'shares' ? WIDTH / 2 : WIDTH;

export const tokenUpdate = defineKernel('tokenUpdate', wgsl, (shape: TokenUpdateShape) => {
  const { tokens, images = 1, source, residual, cols, eps, dtype = 'f32' } = shape;
  if (tokens > 112 || cols > 4 * WIDTH) throw new RangeError(`tokenUpdate: ${tokens} x ${cols}`);
  const {
    kind,
    stride = 0,
    first = 0,
    shares = 1,
  }: { kind: (typeof SOURCES)[number]; stride?: number; first?: number; shares?: number } = source;
  const inner = updateInner(shape);
  const split = cols === 0 ? 1 : 2 ** Math.floor(Math.log2((4 * WIDTH) / cols));
  return {
    constants: {
      SOURCE: SOURCES.indexOf(kind),
      INNER: inner,
      TOKENS: tokens,
      SHARES: shares,
      X_ROW: stride / 4,
      X_FIRST: first / 4,
      R_ROW: residual.stride / 4,
      R_TOKENS: residual.repeats ? tokens : 0xffffffff,
      COLS: cols,
      SPLIT: Math.min(split, 16),
      EPS: eps,
    },
    machine: { MAX_INNER: Math.max(WIDTH, inner), MAX_TOKENS: kind === 'attention' ? tokens : 1, weight: dtype },
    workgroups: [images * tokens, 1, 1],
    macs: images * tokens * (inner * WIDTH + WIDTH * cols + attentionMacs(shape)),
  };
});

function attentionMacs({ source, tokens }: TokenUpdateShape): number {
  return source.kind === 'attention' ? 2 * tokens * WIDTH : source.kind === 'shares' ? (source.shares * WIDTH) / 2 : 0;
}
