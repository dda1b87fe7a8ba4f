/** A face as lines for the terminal. */
import type { FaceJson } from '../src/face/json.ts';
import type { AnalyzeReply } from './analyze.page.ts';

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const degrees = (angle: number): string => `${angle.toFixed(1)}°`;
const choice = ({ label, probability }: { label: string; probability: number }): string => `${label} (${percent(probability)})`;

/** Picture, faces and time, one line a task. */
export function reportLines(picture: string, { width, height, faces, timings }: AnalyzeReply): string[] {
  const lines = [`${picture}  ${width} x ${height}`];
  faces.forEach((face, i) => {
    if (faces.length > 1) lines.push(`  face ${i + 1}`);
    for (const [name, text] of rows(face)) lines.push(...wrapped(`  ${name.padEnd(12)}`, text));
  });
  const times = Object.entries(timings).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  lines.push(...wrapped('  time        ', times.map(([name, ms]) => `${name} ${ms.toFixed(ms < 10 ? 1 : 0)} ms`).join(', ')));
  return lines;
}

function rows(face: FaceJson): [string, string][] {
  const { x0, y0, x1, y1 } = face.box;
  const rows: [string, string][] = [['box', `${x0},${y0},${x1},${y1}`]];
  if (face.headpose) {
    const { pitch, yaw, roll } = face.headpose;
    rows.push(['head pose', `pitch ${degrees(pitch)}, yaw ${degrees(yaw)}, roll ${degrees(roll)}`]);
  }
  if (face.age) rows.push(['age', `${choice(face.age)}, expected ${face.age.years.toFixed(1)} years`]);
  if (face.gender) rows.push(['gender', choice(face.gender)]);
  if (face.race) rows.push(['race', choice(face.race)]);
  if (face.expression) rows.push(['expression', choice(face.expression)]);
  if (face.attributes) rows.push(['attributes', attributes(face.attributes)]);
  if (face.visibility) {
    const occluded = face.visibility.filter((point) => point.occluded).map(({ index }) => index);
    rows.push([
      'visibility',
      `${occluded.length} of ${face.visibility.length} points occluded${occluded.length > 0 ? `: ${occluded.join(' ')}` : ''}`,
    ]);
  }
  if (face.landmarks) rows.push(['landmarks', landmarks(face.landmarks)]);
  if (face.segmentation) rows.push(['parsing', parsing(face.segmentation)]);
  if (face.recognition) rows.push(['recognition', `embedding of ${face.recognition.embedding.length} numbers`]);
  return rows;
}

function attributes(all: NonNullable<FaceJson['attributes']>): string {
  const held = Object.entries(all)
    .filter(([, { value }]) => value)
    .sort(([, a], [, b]) => b.probability - a.probability);
  return held.map(([name, { probability }]) => `${name.replaceAll('_', ' ')} ${percent(probability)}`).join(', ') || 'none';
}

function landmarks(points: NonNullable<FaceJson['landmarks']>): string {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const range = (values: number[]) => `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;
  return `${points.length} points, x ${range(xs)}, y ${range(ys)}`;
}

function parsing({ classes, labels }: NonNullable<FaceJson['segmentation']>): string {
  const counts = labels.map((label, i) => ({ label, share: classes.filter((one) => one === i).length / classes.length }));
  const seen = counts.filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
  return seen.map(({ label, share }) => `${label} ${share < 0.005 ? '<1 %' : percent(share)}`).join(', ');
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
