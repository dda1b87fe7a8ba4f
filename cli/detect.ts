/** `detect`: the faces in pictures, as MTCNN finds them. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { SearchOptions } from '../src/detect/mtcnn.ts';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import { adapterLine, launchBrowser, WHERE_LINE, WHERE_OPTIONS, whereOf } from '../tools/browser/launch.ts';
import { openPage } from '../tools/browser/page.ts';
import type { Route } from '../tools/browser/serve.ts';
import { mtcnnWeights } from '../tools/mtcnn.mjs';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import { messageOf } from '../tools/terminal/faults.ts';
import { parse, parseChoice, UsageError } from '../tools/terminal/options.ts';
import { say } from '../tools/terminal/progress.ts';
import { checkOutput, isFolder, writeJson, writtenLine } from '../tools/terminal/write.ts';
import type { DetectReply } from './detect.page.ts';

const OPTIONS = {
  json: { type: 'string' },
  'min-face': { type: 'string' },
  threshold: { type: 'string' },
  'max-faces': { type: 'string' },
  order: { type: 'string' },
  ...WHERE_OPTIONS,
} as const;

export const detect: Command = {
  name: 'detect',
  summary: 'find the faces in pictures',
  usage: `detect PICTURE... [options]

  --json FILE                boxes (x0, y0, x1, y1), probabilities and five points of each face
  --min-face N               the smallest face's side in pixels (default: 20)
  --threshold P              how sure the last network must be, between 0 and 1 (default: 0.7)
  --max-faces N              how many faces at most (default: all)
  --order size|score|center  which faces come first (default: size)
  ${WHERE_LINE}
A picture that cannot be read is named and left out, and the exit code is 1.`,
  async run(args) {
    const { values, positionals: pictures } = parse(args, OPTIONS);
    if (pictures.length === 0) throw new UsageError('Which picture? detect PICTURE...');
    const search: SearchOptions = {
      ...(values['min-face'] !== undefined && { minFace: parseNumber('--min-face', values['min-face']) }),
      ...(values.threshold !== undefined && { threshold: parseNumber('--threshold', values.threshold) }),
      ...(values['max-faces'] !== undefined && { maxFaces: parseNumber('--max-faces', values['max-faces']) }),
      ...(values.order !== undefined && { order: parseChoice('--order', values.order, ['size', 'score', 'center']) }),
    };
    const where = whereOf(values);
    for (const picture of pictures) {
      if (isFolder(picture)) throw new FaceXFormerError('BAD_PICTURE', `${picture} is a directory.`);
      if (!existsSync(picture)) throw new FaceXFormerError('BAD_PICTURE', `There is no file ${picture}.`);
    }
    if (values.json !== undefined) checkOutput(values.json, '--json');
    const { browser, adapter } = await launchBrowser(where, say);
    try {
      console.log(`Runs on: ${adapterLine(adapter)}, ${await browser.version()}`);
      const page = await openPage(browser, `export * from './cli/detect.page.ts';`, routesOf(pictures));
      await page.call('load', search);
      const found: object[] = [];
      for (const [i, picture] of pictures.entries()) {
        try {
          const reply = await page.call<DetectReply>('detect', `/pictures/${i}`);
          console.log(lineOf(picture, reply));
          found.push(jsonOf(picture, reply));
        } catch (error) {
          console.error(`${picture}: ${messageOf(error)}`);
        }
      }
      await page.close();
      if (values.json !== undefined && found.length > 0) {
        writeJson(values.json, found);
        console.log(writtenLine('json', values.json));
      }
      const failed = pictures.length - found.length;
      if (failed > 0) throw new CommandError(`${failed} of ${pictures.length} pictures could not be searched.`);
    } finally {
      await browser.close();
    }
  },
};

function parseNumber(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new UsageError(`${option} is ${text}; it must be a number.`);
  return number;
}

function routesOf(pictures: readonly string[]): Record<string, Route> {
  const files = pictures.map((picture, i): [string, Route] => [`/pictures/${i}`, { file: resolve(picture) }]);
  return { '/mtcnn.safetensors': { body: Buffer.from(mtcnnWeights()), type: 'application/octet-stream' }, ...Object.fromEntries(files) };
}

function lineOf(picture: string, { width, height, faces }: DetectReply): string {
  const boxes = faces.map(({ box: { x0, y0, x1, y1 }, score }) => {
    const corners = [x0, y0, x1, y1].map((side) => side.toFixed(1));
    return `  ${corners.join(',')}  ${score.toFixed(4)}`;
  });
  const count = faces.length === 0 ? 'no face' : faces.length === 1 ? '1 face' : `${faces.length} faces`;
  return [`${picture}  ${width} x ${height}: ${count}`, ...boxes].join('\n');
}

const jsonOf = (picture: string, { width, height, faces }: DetectReply): object => ({
  image: basename(picture),
  size: [width, height],
  faces: faces.map(({ box: { x0, y0, x1, y1 }, score, points }) => ({
    box: [x0, y0, x1, y1],
    probability: score,
    points: points.map(({ x, y }) => [x, y]),
  })),
});
