/** The recorded report: `recorded.json` to compare with, and the tables of `docs/gpu-report.md` to read. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from '../../tools/root.ts';
import { BOUNDS, type Outcome, violations } from './check.ts';
import { GPUS } from './gpus.ts';
import type { Pipeline } from './pipelines.ts';
import { markdown, rowsOf } from './table.ts';

export type Row = Omit<Pipeline, 'wgsl' | 'key'> & Outcome;

/** One GPU's part; parts may be of different days. */
export interface Part {
  readonly date: string;
  readonly machine: string;
  /** The compiler with its version, and what else stood between WGSL and it. */
  readonly driver: string;
  readonly seconds: number;
  /** The rows by key; the pipeline with most multiply-adds comes first. */
  readonly pipelines: Readonly<Record<string, Row>>;
}

export interface Report {
  readonly version: 1;
  readonly gpus: Readonly<Record<string, Part>>;
}

const RECORD = join(root, 'bench/gpu-report/recorded.json');
const DOCUMENT = join(root, 'docs/gpu-report.md');
const MARK = '<!-- `npm run gpu-report -- --write` writes what follows. -->';

export const machine = (): string => `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? process.arch}, Node ${process.version}`;

export function readRecord(): Report {
  if (!existsSync(RECORD)) return { version: 1, gpus: {} };
  return JSON.parse(readFileSync(RECORD, 'utf8')) as Report;
}

/** A pipeline a line, so that a change of one is a line of a diff. */
export function asJson({ version, gpus }: Report): string {
  const parts = Object.entries(gpus).map(([gpu, { pipelines, ...about }]) => {
    const rows = Object.entries(pipelines).map(([key, row]) => `        ${JSON.stringify(key)}: ${JSON.stringify(row, round)}`);
    const lines = Object.entries(about).map(([name, value]) => `      ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
    return `    ${JSON.stringify(gpu)}: {\n${lines.join('\n')}\n      "pipelines": {\n${rows.join(',\n')}\n      }\n    }`;
  });
  return `{\n  "version": ${version},\n  "gpus": {\n${parts.join(',\n')}\n  }\n}\n`;
}

const round = (_: string, value: unknown): unknown => (typeof value === 'number' ? Number(value.toFixed(4)) : value);

/** Renews the parts of the GPUs that were measured; the others stay as they are. */
export function writeRecord({ version, gpus: measured }: Report): void {
  const known = { ...readRecord().gpus, ...measured };
  const gpus = Object.fromEntries(
    Object.keys(GPUS).flatMap((name) => {
      const part = known[name];
      return part ? [[name, part]] : [];
    }),
  );
  writeFileSync(RECORD, asJson({ version, gpus }));
  const intro = readFileSync(DOCUMENT, 'utf8').split(MARK)[0] ?? '';
  const sections = Object.entries(readRecord().gpus).map(sectionOf); // of the figures as they are on record, which are rounded
  writeFileSync(DOCUMENT, `${intro}${MARK}\n\n${sections.join('\n\n')}\n`);
}

function sectionOf([name, { date, machine: where, driver, seconds, pipelines }]: [string, Part]): string {
  const { title, columns } = GPUS[name] ?? { title: name, columns: [] };
  const outcomes = new Map(Object.entries(pipelines));
  const missed = violations(name, outcomes).map((line) => `- ${line.replaceAll('|', '\\|')}`);
  const list = Object.entries(pipelines).map(([key, row]) => ({ key, ...row }));
  return [
    `## ${name}: ${title}`,
    `${driver}. ${date}, ${list.length} pipelines in ${seconds} s on ${where}: \`npm run gpu-report -- --write --gpu ${name}\``,
    boundsOf(name, missed),
    markdown(rowsOf(columns, list, outcomes)),
  ].join('\n\n');
}

function boundsOf(name: string, missed: readonly string[]): string {
  if (missed.length > 0) return `Beyond the bounds:\n\n${missed.join('\n')}`;
  const bounded = BOUNDS.some(({ gpus }) => gpus.includes(name));
  return bounded ? 'Within the bounds that `bench/gpu-report/check.ts` sets for it.' : 'No bounds are set for it.';
}
