/** The measured kernels as a table: one row for the dispatches of a frame that share a pipeline and a grid. */
import type { Dispatch, Plan } from '../../src/graph/plan.ts';
import { threadsOf } from '../../src/graph/print.ts';
import type { KernelTime } from '../../src/graph/profile.ts';

export interface KernelRow {
  readonly kernel: string;
  readonly pipeline: string;
  readonly grid: string;
  /** How many threads one dispatch starts. */
  readonly threads: number;
  /** How many dispatches a frame has. */
  readonly dispatches: number;
  /** Microseconds of one dispatch, and of all of a frame's. */
  readonly each: number;
  readonly all: number;
  /** Multiply-adds of one dispatch, and bytes that it has to move at least. */
  readonly macs: number;
  readonly bytes: number;
  readonly tflops: number;
  /** The first of the plan's nodes that run it. */
  readonly node: string;
}

export function kernelRows({ dispatches }: Plan, times: readonly KernelTime[]): KernelRow[] {
  const byNode = new Map(dispatches.map((dispatch) => [dispatch.node, dispatch]));
  return times.map(({ kernel, pipeline, workgroups, nodes, milliseconds, flops, bytes }) => {
    const node = nodes[0] as string;
    const each = 1000 * milliseconds;
    return {
      kernel,
      pipeline,
      grid: workgroups.join('x'),
      threads: threadsOf(byNode.get(node) as Dispatch),
      dispatches: nodes.length,
      each,
      all: each * nodes.length,
      macs: flops / 2,
      bytes,
      tflops: flops / each / 1e6,
      node,
    };
  });
}

/** How long all kernels of a frame take together. */
export const milliseconds = (rows: readonly KernelRow[]): number => rows.reduce((sum, { all }) => sum + all, 0) / 1000;

const COLUMNS: readonly [string, keyof KernelRow, digits?: number][] = [
  ['kernel', 'kernel'],
  ['pipeline', 'pipeline'],
  ['grid', 'grid'],
  ['threads', 'threads'],
  ['dispatches', 'dispatches'],
  ['microseconds each', 'each', 2],
  ['microseconds a frame', 'all', 1],
  ['multiply-adds', 'macs', 0],
  ['bytes', 'bytes', 0],
  ['TFLOP/s', 'tflops', 2],
  ['first node', 'node'],
];

/** Tab-separated, with a line of names first. */
export function table(rows: readonly KernelRow[]): string {
  const cell = (value: string | number, digits = 0) => (typeof value === 'number' ? value.toFixed(digits) : value);
  const lines = rows.map((row) => COLUMNS.map(([, key, digits]) => cell(row[key], digits)).join('\t'));
  return `${[COLUMNS.map(([name]) => name).join('\t'), ...lines].join('\n')}\n`;
}
