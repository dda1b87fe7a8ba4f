/** What the tuner may choose from: for a matrix product or a window attention, the kernels of its row in the table (kernels/roles.ts), the likely ones first. */
import type { Kernel, Launch } from '../kernels/kernel.ts';
import { type MatmulTile, matmul, matmulWith, tilesNear, USUAL_TILE } from '../kernels/matmul/matmul.ts';
import type { MatmulShape } from '../kernels/matmul/role.ts';
import { PRODUCTS, WINDOW_ATTENTIONS } from '../kernels/roles.ts';
import type { WindowAttentionShape } from '../kernels/windowAttention/role.ts';

/** One way to compute a dispatch: a kernel launched for its shape. Bindings, tensors and what comes out are the same in all of them. */
export interface Candidate {
  /** Kernel and machine shape: what is remembered. */
  readonly name: string;
  readonly kernel: Pick<Kernel<never>, 'name' | 'wgsl' | 'bindings'>;
  readonly launch: Launch;
}

/** What can be chosen for a dispatch. */
export interface Alternatives {
  /** The shape in words. What is chosen is chosen for it. */
  readonly label: string;
  /** The table's own first; at most MOST. */
  readonly candidates: readonly Candidate[];
}

const MOST = 4;

/** The alternatives to a dispatch; undefined for a kernel that has none. */
export function alternativesTo({
  kernel,
  launch,
  shape,
}: Pick<Candidate, 'kernel' | 'launch'> & { shape: unknown }): Alternatives | undefined {
  const own: Candidate = { name: nameOf(kernel, launch), kernel, launch };
  const isOf = (role: readonly Pick<Kernel<never>, 'name'>[]) => role.some(({ name }) => name === kernel.name);
  const found = isOf(PRODUCTS)
    ? { label: matmulLabel(shape as MatmulShape), others: matmulCandidates(shape as MatmulShape, launch.machine) }
    : isOf(WINDOW_ATTENTIONS)
      ? { label: windowLabel(shape as WindowAttentionShape), others: windowCandidates(shape as WindowAttentionShape) }
      : undefined;
  return found && { label: found.label, candidates: [own, ...found.others.filter(({ name }) => name !== own.name)].slice(0, MOST) };
}

/** `matmul TILE_ROWS=32 TILE_QUADS=16 ROWS=4 QUADS=1 TILE_K=16`: element types are the shape's, not the candidate's. */
function nameOf(kernel: Candidate['kernel'], { machine = {} }: Launch): string {
  const sizes = Object.entries(machine).filter(([, value]) => typeof value === 'number');
  return [kernel.name, ...sizes.map(([name, value]) => `${name}=${value}`)].join(' ');
}

function candidate<Shape>(kernel: Kernel<Shape>, shape: Shape): Candidate {
  const launch = kernel.launch(shape);
  return { name: nameOf(kernel, launch), kernel, launch };
}

/**
 * What may compute a product, nearest to the table's own first: other machine shapes of `matmul`, and the kernels that read operands straight into
 * registers, those first where the table's is one of them. It is made in as many shares as the shape says.
 * @param own the machine shape of the table's
 */
export function matmulCandidates(shape: MatmulShape, own: Launch['machine'] = {}): Candidate[] {
  const inRegisters = !('TILE_ROWS' in own);
  const near = tilesNear(inRegisters ? USUAL_TILE : (own as unknown as MatmulTile), shape);
  const tiled = near.map((tile) =>
    candidate(
      matmulWith(() => tile),
      shape,
    ),
  );
  const others = PRODUCTS.filter(({ name }) => name !== matmul.name); // they make no shares
  const registers = (shape.shares ?? 1) > 1 ? [] : others.map((kernel) => candidate(kernel, shape));
  return inRegisters ? [...registers, ...tiled] : [...tiled, ...registers];
}

function matmulLabel(shape: MatmulShape): string {
  const { rows, inner, cols, residualRows, stride = inner, norm, mergeSide, stream, weightEach, activation = 'none', shares = 1 } = shape;
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
    [`${shares} shares`]: shares > 1,
    [`${input} ${weight} ${added} to ${output}`]: [input, weight, added, output].includes('f16'),
  };
  const said = Object.keys(flags).filter((flag) => flags[flag as keyof typeof flags]);
  return [`${rows} x ${inner} x ${cols}`, ...said].join(', ');
}

/** Of shares the table's alone: the others would sum keys for each query anew. */
const windowCandidates = (shape: WindowAttentionShape): Candidate[] =>
  (shape.shares ?? 1) > 1 ? [] : WINDOW_ATTENTIONS.map((kernel) => candidate(kernel, shape));

function windowLabel({ side, heads, shift, dtype = 'f32' }: WindowAttentionShape): string {
  return `windows of ${side} x ${side}, ${heads} heads${shift > 0 ? `, shift ${shift}` : ''}${dtype === 'f16' ? ', f16' : ''}`;
}
