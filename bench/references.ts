/** Results of other machines that the page has to show and to compare with, from bench/results. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelTime } from '../src/graph/profile.ts';
import { root } from '../tools/root.ts';
import type { Part } from './page/pieces.ts';
import type { Reference } from './page/references.ts';
import { parseResult } from './page/result.ts';

const written = (name: string): string => readFileSync(join(root, 'bench', 'results', name), 'utf8');

/** The first one is the page's example. */
export const references = (): Reference[] => [
  { name: 'SwiftShader on an EPYC', part: parseResult(written('swiftshader-epyc.json')) },
  { name: 'H200, kernels alone', part: ofKernels(written('h200-released-kernels.tsv')) },
];

/** What a table of kernels says, as bench/gpu-machine writes them: the released form, one face. */
function ofKernels(table: string): Part {
  const [head = '', ...lines] = table.trim().split('\n');
  const names = head.split('\t');
  const rows = lines.map((line) => Object.fromEntries(line.split('\t').map((cell, i) => [names[i], cell])));
  const times = rows.map((row): KernelTime => {
    const number = (name: string) => Number(row[name]);
    return {
      kernel: row['kernel'] ?? '',
      pipeline: row['pipeline'] ?? '',
      workgroups: (row['grid'] ?? '').split('x').map(Number) as [number, number, number],
      nodes: Array(number('dispatches')).fill(row['first node']),
      milliseconds: number('microseconds each') / 1000,
      repeats: 1,
      flops: 2 * number('multiply-adds'),
      bytes: number('bytes'),
    };
  });
  return {
    commit: 'a8b6042',
    machine: {
      userAgent: 'Dawn in Node',
      cores: 0,
      adapter: { vendor: 'nvidia', architecture: '', device: '', description: 'NVIDIA H200', software: false },
      features: [],
      limits: {},
    },
    weights: { source: 'seeded 20240319', form: 'released', untrained: true, dtype: 'f32' },
    kernels: { times },
  };
}
