/** Other forms of the results, made of their lines when those are whole: a table for spreadsheets, and COCO's JSON. */
import { createReadStream } from 'node:fs';
import { LANDMARKS } from '../../src/face/labels.ts';
import { save } from '../../tools/save.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { type Job, mustBeSame } from '../bulk/journal.ts';
import type { Step } from '../bulk/pictures.ts';
import type { FaceRow } from './face.ts';
import { type Row, SCHEMA } from './row.ts';

/** The rows of a file of results, one after the other. @throws CommandError for a file of something else */
export async function* rowsIn(path: string): AsyncGenerator<Row> {
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    const row = parsed(line);
    if (row?.schema !== SCHEMA) throw new CommandError(`Line ${number} of ${path} is no annotation: ${line.slice(0, 60)}`);
    yield row;
  }
}

/** Lines end with line feeds alone: to Node's own reader, from version 24 on, they also end with U+2028, which a picture's name may have in it. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of createReadStream(path, 'utf8')) {
    const lines = `${rest}${piece}`.split('\n');
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Whether a file that is whole has the lines of these pictures, made by these weights and options. @throws CommandError */
export async function mustBeOf(path: string, steps: readonly Step[], by: Job): Promise<void> {
  const names = steps.flat().map(({ name }) => name);
  let at = -1;
  for await (const row of rowsIn(path)) {
    if (Object(row.by) !== row.by) throw new CommandError(`${path} does not say what made its lines: give another file, or delete it.`);
    mustBeSame(path, row.by, by);
    if (at < 0 || row.picture !== names[at]) mustBeSame(path, { picture: row.picture }, { picture: names[++at] });
  }
  if (at + 1 < names.length)
    throw new CommandError(`${path} is whole and has no line of ${names[at + 1]}: give another file, or delete it.`);
}

function parsed(line: string): Row | undefined {
  try {
    return JSON.parse(line) as Row;
  } catch {
    return undefined;
  }
}

/** Texts as bytes, many of them in one piece. */
async function* bytesOf(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let piece = '';
  for await (const text of texts) {
    piece += text;
    if (piece.length < 2 ** 16) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  yield Buffer.from(piece);
}

type Cell = string | number | undefined;

/** Columns of a face, by the names in the table's first line. */
const COLUMNS: readonly (readonly [string, (face: FaceRow) => Cell])[] = [
  ...(['x0', 'y0', 'x1', 'y1'] as const).map((side) => [side, ({ box }: FaceRow) => box[side]] as const),
  ['score', ({ score }) => score],
  ['age', ({ age }) => age?.label],
  ['years', ({ age }) => age?.years],
  ['gender', ({ gender }) => gender?.label],
  ['gender_probability', ({ gender }) => gender?.probability],
  ['race', ({ race }) => race?.label],
  ['race_probability', ({ race }) => race?.probability],
  ['expression', ({ expression }) => expression?.label],
  ['expression_probability', ({ expression }) => expression?.probability],
  ...(['pitch', 'yaw', 'roll'] as const).map((angle) => [angle, ({ headpose }: FaceRow) => headpose?.[angle]] as const),
  ['attributes', ({ attributes }) => attributes && namesOf(attributes)],
  ['occluded', ({ visibility }) => visibility?.filter(({ occluded }) => occluded).length],
];

const namesOf = (attributes: NonNullable<FaceRow['attributes']>): string =>
  Object.entries(attributes)
    .filter(([, { value }]) => value)
    .map(([name]) => name)
    .join(' ');

/** A line a face, one for a picture without any, and one for a picture that failed. */
export const writeCsv = (results: string, path: string): Promise<number> => save(path, bytesOf(csvLines(rowsIn(results))));

async function* csvLines(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  yield line(['picture', 'frame', 'time', 'width', 'height', 'face', 'error', ...COLUMNS.map(([name]) => name)]);
  for await (const { picture, frame, time, width, height, faces = [], error } of rows) {
    const start = [picture, frame, time, width, height];
    if (faces.length === 0) yield line([...start, undefined, error && `${error.code}: ${error.message}`, ...COLUMNS.map(() => undefined)]);
    for (const [i, face] of faces.entries()) yield line([...start, i, undefined, ...COLUMNS.map(([, cell]) => cell(face))]);
  }
}

/** RFC 4180, but for line feeds alone at the ends of lines. */
const line = (cells: readonly Cell[]): string =>
  `${cells.map((cell) => (cell === undefined ? '' : /[",\n\r]/.test(`${cell}`) ? `"${`${cell}`.replaceAll('"', '""')}"` : cell)).join(',')}\n`;

/**
 * COCO's JSON of keypoints: an image a picture, an annotation a face. Its box is the detector's, or the network's where there was no detector; `keypoints` are the
 * 68 landmarks, all marked as visible, since the network does not tell which of them are not.
 */
export const writeCoco = (results: string, path: string): Promise<number> => save(path, bytesOf(cocoPieces(results)));

async function* cocoPieces(results: string): AsyncGenerator<string> {
  const keypoints = Array.from({ length: LANDMARKS }, (_, i) => `${i}`);
  yield `{"info":{"description":"${SCHEMA}"},"categories":[{"id":1,"name":"face","keypoints":${JSON.stringify(keypoints)},"skeleton":[]}],"images":[`;
  let images = 0;
  for await (const row of rowsIn(results)) {
    if (!row.faces) continue;
    const { picture, width, height, frame } = row;
    const image = { id: ++images, file_name: picture, width, height, ...(frame !== undefined && { frame }) };
    yield `${images > 1 ? ',' : ''}\n${JSON.stringify(image)}`;
  }
  yield '],"annotations":[';
  let image = 0;
  let id = 0;
  for await (const { faces } of rowsIn(results)) {
    if (!faces) continue;
    image++;
    for (const face of faces) yield `${id > 0 ? ',' : ''}\n${JSON.stringify(annotationOf(face, ++id, image))}`;
  }
  yield ']}\n';
}

function annotationOf(face: FaceRow, id: number, image: number): object {
  const { x0, y0, x1, y1 } = face.detected ?? face.box;
  const decimals = (value: number) => Number(value.toFixed(3));
  const [width, height] = [decimals(x1 - x0), decimals(y1 - y0)];
  return {
    id,
    image_id: image,
    category_id: 1,
    bbox: [x0, y0, width, height],
    area: decimals(width * height),
    iscrowd: 0,
    ...(face.score !== undefined && { score: face.score }),
    ...(face.landmarks && { num_keypoints: face.landmarks.length, keypoints: face.landmarks.flatMap(({ x, y }) => [x, y, 2]) }),
  };
}
