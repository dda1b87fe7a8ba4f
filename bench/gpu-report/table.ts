/** The report as text: a padded table for the terminal, a Markdown table for the documentation. */
import type { Outcomes } from './check.ts';
import type { Column } from './gpus.ts';
import type { Pipeline } from './pipelines.ts';

/** A frame's pipelines and what a compiler made of them, row by row; the first row names the columns. */
export function rowsOf(columns: readonly Column[], pipelines: readonly Omit<Pipeline, 'wgsl'>[], outcomes: Outcomes): string[][] {
  const head = ['pipeline', 'runs', 'M mul-adds', ...columns.map(({ title }) => title)];
  const rows = pipelines.map(({ key, dispatches, macs }) => {
    const outcome = outcomes.get(key);
    const first = [key.replace(' | ', ' ').replace(/ +/g, ' '), String(dispatches), (macs / 1e6).toFixed(1)];
    if (!outcome || 'failed' in outcome) return [...first, outcome ? 'no figures' : 'not measured', ...columns.slice(1).map(() => '')];
    return [...first, ...columns.map(({ figure, digits = 0 }) => outcome.figures[figure]?.toFixed(digits) ?? '')];
  });
  return [head, ...rows];
}

/** The first column to the left, figures to the right. */
export function padded(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|---|${'---:|'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n');
}
