/**
 * What the tuner may choose from: for a matrix product or a window attention, the kernels of its role and their machine shapes, the likely
 * ones first. A file of its own, so that an app that does not tune never loads it.
 */
import { type Kernel, type Launch, tiles } from '../kernels/kernel.ts';
import { type MatmulTile, matmul, matmulTile, matmulWith, type StreamMatmulShape } from '../kernels/matmul.ts';
import { matmulRegisters, matmulRegistersSmall } from '../kernels/matmulRegisters.ts';
import { matmulShuffleOf } from '../kernels/matmulShuffle.ts';
import { type WindowAttentionShape, windowAttention } from '../kernels/windowAttention.ts';
import { windowAttentionScores } from '../kernels/windowAttentionScores.ts';

/** One way to compute a dispatch: a kernel launched for its shape. Bindings, tensors and what comes out are the same in all of them. */
export interface Candidate {
  /** Kernel and machine shape: what is remembered. */
  readonly name: string;
  readonly kernel: Pick<Kernel<never>, 'name' | 'wgsl' | 'bindings'>;
  readonly launch: Launch;
}

/** What can be chosen for a dispatch. */
export interface Alternatives {
  /** The shape in words; the same for images of any number. What is chosen is chosen for it. */
  readonly label: string;
  /** The table's own first; at most MOST. */
  readonly candidates: readonly Candidate[];
}

const MOST = 8;
const WORKGROUP_BYTES = 16_384;
const WORKGROUP_THREADS = 256;

/** The alternatives to a dispatch; undefined for a kernel that has none. @param lanes of every subgroup, where that is known */
export function alternativesTo(
  { kernel, launch, shape }: Pick<Candidate, 'kernel' | 'launch'> & { shape: unknown },
  lanes?: number,
): Alternatives | undefined {
  const own: Candidate = { name: nameOf(kernel, launch), kernel, launch };
  const found =
    kernel.name === matmul.name || kernel.name === matmulRegisters.name
      ? { label: matmulLabel(shape as StreamMatmulShape), others: matmulCandidates(shape as StreamMatmulShape, lanes) }
      : kernel.name === windowAttention.name || kernel.name === windowAttentionScores.name
        ? { label: windowLabel(shape as WindowAttentionShape), others: windowCandidates(shape as WindowAttentionShape) }
        : undefined;
  return found && { label: found.label, candidates: [own, ...found.others.filter(({ name }) => name !== own.name)].slice(0, MOST) };
}

/** `matmul ROW_GROUPS=8 SPLIT=1 TILE_K=16`: element types are the shape's, not the candidate's. */
function nameOf(kernel: Candidate['kernel'], { machine = {} }: Launch): string {
  const sizes = Object.entries(machine).filter(([, value]) => typeof value === 'number');
  return [kernel.name, ...sizes.map(([name, value]) => `${name}=${value}`)].join(' ');
}

function candidate<Shape>(kernel: Kernel<Shape>, shape: Shape): Candidate {
  const launch = kernel.launch(shape);
  return { name: nameOf(kernel, launch), kernel, launch };
}

/** The kernels of products: near the table's tile first, then by shuffles, then in registers. */
export function matmulCandidates(shape: StreamMatmulShape, lanes?: number): Candidate[] {
  const table = matmulTile(shape);
  const rows = shape.rows / (shape.images ?? 1);
  // A tile that would be half empty is worse than the next smaller one.
  const groups = [14, 8, 7, 4].filter((_, i, all) => i === all.length - 1 || rows > 7 * (all[i + 1] as number));
  const of = (group: number, split: number): MatmulTile => ({ ROW_GROUPS: group, SPLIT: split, TILE_K: split === 1 ? 16 : 8 });
  const near: MatmulTile[] = [
    table,
    { ...table, AHEAD: 0 },
    ...groups.map((group) => of(group, splitNear((table.ROW_GROUPS * table.SPLIT) / group))), // of about as many threads as the table's
    of(table.ROW_GROUPS, 2 * table.SPLIT),
    of(table.ROW_GROUPS, table.SPLIT / 2),
    { ...table, TILE_K: 24 - table.TILE_K },
  ];
  const made = near
    .filter((tile) => fits(tile, shape))
    .map((tile) =>
      candidate(
        matmulWith(() => tile),
        shape,
      ),
    );
  const distinct = [...new Map(made.map((one) => [one.name, one])).values()];
  const others = [...(lanes ? [matmulShuffleOf(lanes)] : []), matmulRegisters, matmulRegistersSmall];
  return [...distinct.slice(0, MOST - others.length), ...others.map((kernel) => candidate(kernel, shape))];
}

const splitNear = (ratio: number): number => 2 ** Math.min(Math.max(Math.round(Math.log2(ratio)), 0), 2);

/** Whether matmul.wgsl can run with this machine shape: its loop, and its workgroup memory. */
export function fits({ ROW_GROUPS, SPLIT, TILE_K }: MatmulTile, { inner }: Pick<StreamMatmulShape, 'inner'>): boolean {
  const rows = 7 * ROW_GROUPS;
  const quads = SPLIT * (rows * (TILE_K / 4 + Math.floor(TILE_K / 16)) + TILE_K * 16);
  return (
    [1, 2, 4].includes(SPLIT) &&
    inner % (SPLIT * TILE_K) === 0 &&
    8 * ROW_GROUPS * SPLIT <= WORKGROUP_THREADS &&
    16 * quads + 8 * rows <= WORKGROUP_BYTES
  );
}

function matmulLabel(shape: StreamMatmulShape): string {
  const { rows, inner, cols, images = 1, residualRows, stride = inner, norm, mergeSide, stream, weightEach, activation = 'none' } = shape;
  const { input = 'f32', weight = 'f32', added = 'f32', output = 'f32' } = shape.dtypes ?? {};
  const flags = {
    [`stride ${stride}`]: stride !== inner && !norm,
    norm,
    merge: mergeSide,
    [activation]: activation !== 'none',
    residual: residualRows === rows,
    'repeated residual': residualRows !== undefined && residualRows !== rows,
    stream,
    'weight each': weightEach,
    [`${input} ${weight} ${added} to ${output}`]: [input, weight, added, output].includes('f16'),
  };
  const said = Object.keys(flags).filter((flag) => flags[flag as keyof typeof flags]);
  return [`${tiles(rows, images)} x ${inner} x ${cols}`, ...said].join(', ');
}

/** Both kernels of window attention. */
export function windowCandidates(shape: WindowAttentionShape): Candidate[] {
  return [candidate(windowAttention, shape), candidate(windowAttentionScores, shape)];
}

function windowLabel({ side, heads, shift, dtype = 'f32' }: WindowAttentionShape): string {
  return `windows of ${side} x ${side}, ${heads} heads${shift > 0 ? `, shift ${shift}` : ''}${dtype === 'f16' ? ', f16' : ''}`;
}
