/** What `detect` is told and says, whatever it runs on. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { MtcnnFace, SearchOptions } from '../src/detect/mtcnn.ts';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import { CommandError } from '../tools/terminal/command.ts';
import { messageOf } from '../tools/terminal/faults.ts';
import { parseChoice, UsageError } from '../tools/terminal/options.ts';
import { checkInput, checkOutput, isFolder, writeJson, writtenLine } from '../tools/terminal/write.ts';

/** A picture's size, and its faces. */
export interface Searched {
  readonly width: number;
  readonly height: number;
  readonly faces: readonly MtcnnFace[];
}

export const SEARCH_OPTIONS = {
  json: { type: 'string' },
  'min-face': { type: 'string' },
  threshold: { type: 'string' },
  'max-faces': { type: 'string' },
  order: { type: 'string' },
} as const;

export const SEARCH_LINES = `  --json FILE                boxes (x0, y0, x1, y1), probabilities and five points of each face
  --min-face N               the smallest face's side in pixels (default: 20)
  --threshold P              how sure the last network must be, between 0 and 1 (default: 0.7)
  --max-faces N              how many faces at most (default: all)
  --order size|score|center  which faces come first (default: size)`;

export const LEFT_OUT_LINE =
  'A picture that cannot be read is named and left out, and the exit code is 1; a file that is not there ends the command before it begins.';

type Values = { readonly [Name in keyof typeof SEARCH_OPTIONS]?: string | undefined };

/** @throws UsageError */
export function searchOf(values: Values): SearchOptions {
  return {
    ...(values['min-face'] !== undefined && { minFace: parseNumber('--min-face', values['min-face']) }),
    ...(values.threshold !== undefined && { threshold: parseNumber('--threshold', values.threshold) }),
    ...(values['max-faces'] !== undefined && { maxFaces: parseNumber('--max-faces', values['max-faces']) }),
    ...(values.order !== undefined && { order: parseChoice('--order', values.order, ['size', 'score', 'center'] as const) }),
  };
}

function parseNumber(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new UsageError(`${option} is ${text}; it must be a number.`);
  return number;
}

/** What is wrong with the command is told before anything is opened. @throws FaceXFormerError BAD_PICTURE, UsageError */
export function checkSearch(pictures: readonly string[], json: string | undefined): void {
  if (pictures.length === 0) throw new UsageError('Which picture? detect PICTURE...');
  checkPictures(pictures);
  if (json !== undefined) checkOutput(json, '--json', pictures);
}

/** @throws FaceXFormerError BAD_PICTURE; CommandError: one is a pipe or a device */
export function checkPictures(pictures: readonly string[]): void {
  for (const picture of pictures) {
    if (isFolder(picture)) throw new FaceXFormerError('BAD_PICTURE', `${picture} is a directory.`);
    if (!existsSync(picture)) throw new FaceXFormerError('BAD_PICTURE', `There is no file ${picture}.`);
    checkInput(picture);
  }
}

/** Searches one picture after the other, says what it finds, and writes it. @throws CommandError: of some picture nothing is known */
export async function searchAll(
  pictures: readonly string[],
  json: string | undefined,
  search: (picture: string, index: number) => Promise<Searched>,
): Promise<void> {
  const found: object[] = [];
  for (const [i, picture] of pictures.entries()) {
    try {
      const reply = await search(picture, i);
      console.log(lineOf(picture, reply));
      found.push(jsonOf(picture, reply));
    } catch (error) {
      console.error(`${picture}: ${messageOf(error)}`);
    }
  }
  if (json !== undefined && found.length > 0) {
    writeJson(json, found);
    console.log(writtenLine('json', json));
  }
  const failed = pictures.length - found.length;
  if (failed > 0) throw new CommandError(`${failed} of ${pictures.length} pictures could not be searched.`);
}

function lineOf(picture: string, { width, height, faces }: Searched): string {
  const boxes = faces.map(({ box: { x0, y0, x1, y1 }, score }) => {
    const corners = [x0, y0, x1, y1].map((side) => side.toFixed(1));
    return `  ${corners.join(',')}  ${score.toFixed(4)}`;
  });
  const count = faces.length === 0 ? 'no face' : faces.length === 1 ? '1 face' : `${faces.length} faces`;
  return [`${picture}  ${width} x ${height}: ${count}`, ...boxes].join('\n');
}

const jsonOf = (picture: string, { width, height, faces }: Searched): object => ({
  image: basename(picture),
  size: [width, height],
  faces: faces.map(({ box: { x0, y0, x1, y1 }, score, points }) => ({
    box: [x0, y0, x1, y1],
    probability: score,
    points: points.map(({ x, y }) => [x, y]),
  })),
});
