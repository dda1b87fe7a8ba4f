/**
 * All machine shapes of a kernel at the shapes of the network's dispatches, for the tables in src/kernels and for the tuner's candidates: what
 * neither of them has yet may be the best on a new GPU.
 */

import { writeFileSync } from 'node:fs';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import type { Parameter } from '../../src/graph/graph.ts';
import { type Dispatch, makePlan, parameterBytes } from '../../src/graph/plan.ts';
import { threadsOf } from '../../src/graph/print.ts';
import { conv, convWith } from '../../src/kernels/conv/conv.ts';
import type { ConvShape } from '../../src/kernels/conv/role.ts';
import { fits, matmul, matmulWith, tileOf } from '../../src/kernels/matmul/matmul.ts';
import type { MatmulShape } from '../../src/kernels/matmul/role.ts';
import { ROLES } from '../../src/kernels/roles.ts';
import { network } from '../../src/model/network.ts';
import type { Candidate } from '../../src/tune/candidates.ts';
import { Trials } from '../../src/tune/trials.ts';
import type { Tunable } from '../../src/tune/tune.ts';
import type { Note } from './note.ts';

export interface Search {
  readonly kernel: 'matmul' | 'conv';
  /** Milliseconds after which no further shape is begun. */
  readonly limit: number;
  readonly out: string;
  readonly step: string;
}

/** Rows by columns of a workgroup of `matmul`, and of the sums of a thread. */
const TILES = ['16x64', '16x128', '28x64', '32x32', '32x64', '32x128', '49x64', '56x64', '64x32', '64x64', '98x64'];
const SUMS = ['4x4', '7x4', '8x4', '7x8'];
/** Each candidate is measured so often, in turns: the clock of a GPU rises and falls. */
const ROUNDS = 2;
const COLUMNS = [
  'shape',
  'dispatches',
  'machine shape',
  'threads',
  'workgroups',
  'microseconds',
  'TFLOP/s',
  'NMSE against the table',
  'note',
];

export async function searchShapes(device: GPUDevice, note: Note, { kernel, limit, out, step }: Search): Promise<void> {
  const random = new RandomParameters(device);
  const trials = await Trials.on(random);
  const lines = [COLUMNS.join('\t')];
  for (const tunable of shapesOf(kernel)) {
    if (performance.now() > limit) {
      note('ended', 'the time was spent');
      break;
    }
    const trial = await trials.open(tunable);
    const times = new Map<Candidate, number>();
    const refused = new Map<Candidate, string>();
    for (let round = 0; round < ROUNDS; round++)
      for (const candidate of tunable.candidates) {
        if (refused.has(candidate)) continue;
        try {
          times.set(candidate, Math.min(times.get(candidate) ?? Number.POSITIVE_INFINITY, 1000 * (await trial.time(candidate))));
        } catch (error) {
          refused.set(candidate, (error as Error).message.split('\n')[0] as string);
        }
      }
    const ranked = [...times].sort(([, a], [, b]) => a - b);
    const row = async ([candidate, us]: [Candidate, number]) => {
      const { name, launch } = candidate;
      const workgroups = launch.workgroups.join('x');
      const error = (await trial.error(candidate)).toExponential(1);
      const tflops = ((2 * launch.macs) / us / 1e6).toFixed(2);
      return [tunable.label, tunable.dispatches.length, name, threadsOf(candidate), workgroups, us.toFixed(2), tflops, error, ''];
    };
    for (const one of ranked) lines.push((await row(one)).join('\t'));
    for (const [{ name }, why] of refused) lines.push([tunable.label, tunable.dispatches.length, name, '', '', '', '', '', why].join('\t'));
    trial.close();
    random.clear();
    writeFileSync(`${out}/${step}.tsv`, `${lines.join('\n')}\n`);
    const [best, second] = ranked;
    const own = tunable.candidates[0] as Candidate;
    const said = ([{ name }, us]: [Candidate, number]) => `${us.toFixed(1)} us ${name}`;
    const words = `table ${times.get(own)?.toFixed(1)} us ${own.name}; best ${best ? said(best) : 'none'}; ${second ? said(second) : ''}`;
    note(`${tunable.label} (${tunable.dispatches.length} x)`, Object.fromEntries(ranked.map(([{ name }, us]) => [name, us])), words);
  }
  trials.destroy();
}

/** The shapes of one face and of eight, those with the most multiply-adds of a frame first. */
export function shapesOf(kernel: Search['kernel']): Tunable[] {
  const found = new Map<string, Tunable & { dispatches: Dispatch[] }>();
  const config = readConfig(tensorsOf(kernel === 'conv' ? 'paper' : 'released'));
  for (const images of [1, 8]) {
    const graph = network(config, { kernels: ROLES.desktop, images, dtype: 'f32', tasks: tasksOf(config) });
    for (const dispatch of makePlan(graph, outputsOf(tasksOf(config), false)).dispatches) {
      if (dispatch.kernel.name !== kernel) continue;
      const label = `${images === 1 ? '' : `${images} faces: `}${shapeText(dispatch.shape as object)}`;
      const known = found.get(label);
      if (known) known.dispatches.push(dispatch);
      else found.set(label, { label, dispatches: [dispatch], candidates: candidatesFor(dispatch) });
    }
  }
  const macs = ({ dispatches }: Tunable) => dispatches.reduce((sum, { launch }) => sum + launch.macs, 0);
  return [...found.values()].sort((a, b) => macs(b) - macs(a));
}

const shapeText = (shape: object): string =>
  Object.entries(shape)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ');

/** The table's own first. */
function candidatesFor(dispatch: Dispatch): Candidate[] {
  const own = { name: machineText(dispatch.launch), kernel: dispatch.kernel, launch: dispatch.launch };
  const others = dispatch.kernel.name === conv.name ? convs(dispatch.shape as ConvShape) : products(dispatch.shape as MatmulShape);
  return [own, ...others.filter(({ name }) => name !== own.name)];
}

const machineText = ({ machine = {} }: Candidate['launch']): string =>
  Object.entries(machine)
    .filter(([, value]) => typeof value === 'number')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

const ALL = SUMS.flatMap((sums) => TILES.flatMap((tile) => [false, true].map((inTime) => tileOf(tile, sums, inTime))));

function products(shape: MatmulShape): Candidate[] {
  return ALL.filter((tile) => fits(tile, shape)).map((tile) => {
    const launch = matmulWith(() => tile).launch(shape);
    return { name: machineText(launch), kernel: matmul, launch };
  });
}

function convs(shape: ConvShape): Candidate[] {
  const { inner, cols, kernel, shares } = shape;
  const fitting = ALL.filter((tile) => fits(tile, { rows: 1, inner: kernel * kernel * inner, cols, ...(shares && { shares }) }));
  return fitting.map((tile) => {
    const launch = convWith(() => tile).launch(shape);
    return { name: machineText(launch), kernel: conv, launch };
  });
}

/** Parameters of random numbers: weights cost nothing to make and no time depends on them. */
class RandomParameters {
  readonly #buffers = new Map<string, GPUBuffer>();
  readonly #values = Float32Array.from({ length: 1 << 20 }, () => (Math.random() - 0.5) / 16);

  constructor(readonly device: GPUDevice) {}

  get(parameter: Parameter): GPUBuffer {
    const known = this.#buffers.get(parameter.name);
    if (known) return known;
    const size = Math.max(16, Math.ceil(parameterBytes(parameter) / 4) * 4);
    const buffer = this.device.createBuffer({ label: parameter.name, size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
    for (let at = 0; at < size; at += this.#values.byteLength)
      this.device.queue.writeBuffer(buffer, at, this.#values, 0, Math.min(this.#values.byteLength, size - at) / 4);
    this.#buffers.set(parameter.name, buffer);
    return buffer;
  }

  /** Frees them all. */
  clear(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
  }
}
