/** A face as lines for the terminal. */
import { described } from '../src/face/describe.ts';
import type { FaceJson } from '../src/face/json.ts';
import type { TaskTable } from '../src/face/tasks.ts';
import type { AnalyzeReply } from './analyze.page.ts';

/** Picture, faces and time, one line a task. */
export function reportLines(picture: string, { width, height, faces, timings }: AnalyzeReply, table?: TaskTable): string[] {
  const lines = [`${picture}  ${width} x ${height}${faces.length === 0 ? ': no face was found' : ''}`];
  faces.forEach((face, i) => {
    if (faces.length > 1) lines.push(`  face ${i + 1}`);
    for (const [name, text] of rows(face, table)) lines.push(...wrapped(`  ${name.padEnd(12)}`, text));
  });
  const times = Object.entries(timings).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  lines.push(...wrapped('  time        ', times.map(([name, ms]) => `${name} ${ms.toFixed(ms < 10 ? 1 : 0)} ms`).join(', ')));
  return lines;
}

/** The box, and a line for each task that the face has a result of. */
function rows(face: FaceJson, table?: TaskTable): [string, string][] {
  const { x0, y0, x1, y1 } = face.box;
  return [
    ['box', `${x0},${y0},${x1},${y1}`],
    ...described(face, table).map(({ title, line }): [string, string] => [title.toLowerCase(), line]),
  ];
}

/** Breaks a long text at its commas, under its first line. */
function wrapped(head: string, text: string): string[] {
  const width = Math.max(40, (process.stdout.columns ?? 120) - head.length - 1);
  const lines = [''];
  for (const part of text.split(/(?<=, )/)) {
    if ((lines.at(-1) + part).trimEnd().length > width && lines.at(-1) !== '') lines.push('');
    lines[lines.length - 1] += part;
  }
  return lines.map((line, i) => `${i === 0 ? head : ' '.repeat(head.length)}${line.trimEnd()}`);
}
