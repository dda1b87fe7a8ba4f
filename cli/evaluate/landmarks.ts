/** Landmarks on 300-W and 300-VW: the mean distance of the 68 points, in parts of the distance between the outer corners of the eyes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Face } from '../../src/face/results.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { Box, Point } from '../../src/image/crop.ts';
import type { RawPicture } from '../../src/image/source.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { framesOf } from '../annotate/video.ts';
import { linesOf } from '../bulk/pictures.ts';
import { type Benchmark, fileSample, finderIn, isPicture, listingOf, namesIn, type Row, type Sample } from './benchmark.ts';
import { errorCurve, interOcularDistance, interOcularError, mean } from './metrics.ts';

const POINTS = 68;

/** What stands round the points of a .pts file. */
const FRAME = /^\s*([{}]\s*$|\w+\s*:)/;

/** The points of a .pts file, which counts pixels from 1; a text where it has none. */
function pointsOf(path: string): Point[] | string {
  if (!existsSync(path)) return `there is no ${path}`;
  const lines = linesOf(path).filter((line) => !FRAME.test(line));
  const points = lines.map((line) => {
    const [x = Number.NaN, y = Number.NaN, ...more] = line.trim().split(/\s+/).map(Number);
    return { x: more.length > 0 ? Number.NaN : x - 1, y: y - 1 };
  });
  const wrong = points.findIndex(({ x, y }) => !Number.isFinite(x + y));
  if (wrong >= 0) return `${path} has a line ${lines[wrong]}; it must be two numbers`;
  if (points.length !== POINTS) return `${path} has ${points.length} points; they must be ${POINTS}`;
  return interOcularDistance(points) > 0 ? points : `${path} has both outer corners of the eyes at one place`;
}

/** The box round the points: where the face is. */
function around(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs) + 1, y1: Math.max(...ys) + 1 };
}

const score = ({ landmarks }: Face, points: readonly Point[]): number => interOcularError(points, landmarks as Point[]);

const CROP_NOTE = 'each face is cut out by the box round its labelled points, widened by half';

function rowOf(name: string, errors: readonly number[], paper?: number): Row {
  return { name: `NME ${name}`, value: 100 * mean(errors), unit: '% of the inter-ocular distance', ...(paper !== undefined && { paper }) };
}

const COMMON = ['helen/testset', 'lfpw/testset'];
const CHALLENGE = ['ibug'];

export const w300: Benchmark<readonly Point[], number> = {
  task: 'landmarks',
  set: '300W',
  layout: 'helen/testset, lfpw/testset and ibug, each with pictures and a .pts file beside each',
  found: (folder) => [...COMMON, ...CHALLENGE].some((part) => existsSync(join(folder, part))),
  read(folder, limit) {
    const missing = [...COMMON, ...CHALLENGE].filter((part) => !existsSync(join(folder, part)));
    if (missing.length > 0) throw new CommandError(`${folder} has no ${missing.join(', and no ')}: the set's test is of all three.`);
    const pictures = [...COMMON, ...CHALLENGE].flatMap((part) => {
      const find = finderIn(join(folder, part));
      return namesIn(join(folder, part))
        .filter(isPicture)
        .map((name) => ({ name: `${part}/${name}`, shape: find(name.replace(/\.\w+$/, '.pts')) }));
    });
    return listingOf(
      folder,
      pictures,
      limit,
      ({ name, shape }) => {
        const points = pointsOf(shape);
        return typeof points === 'string' ? points : fileSample(name, join(folder, name), points, around(points));
      },
      [CROP_NOTE],
    );
  },
  score,
  rows(scores) {
    const all = [...scores];
    const of = (parts: readonly string[]) =>
      all.filter(([name]) => parts.some((part) => name.startsWith(`${part}/`))).map(([, error]) => error);
    const [common, challenge, full] = [of(COMMON), of(CHALLENGE), [...scores.values()]];
    const curve = errorCurve(full, 0.08);
    return [
      rowOf('full', full, 3.05),
      ...(common.length > 0 ? [rowOf('common', common, 2.66)] : []),
      ...(challenge.length > 0 ? [rowOf('challenge', challenge, 4.67)] : []),
      { name: 'area under the curve to 8 %', value: 100 * curve.area, unit: '%' },
      { name: 'failures, above 8 %', value: 100 * curve.failures, unit: '%' },
    ];
  },
};

/** The test videos of 300-VW by their difficulty: A well lit, B with light or expressions that vary, C anything. */
const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  A: '114 124 125 126 150 158 401 402 505 506 507 508 509 510 511 514 515 518 519 520 521 522 524 525 537 538 540 541 546 547 548'.split(
    ' ',
  ),
  B: '203 208 211 212 213 214 218 224 403 404 405 406 407 408 409 412 550 551 553'.split(' '),
  C: '410 411 516 517 526 528 529 530 531 533 557 558 559 562'.split(' '),
};

/** The paper's errors by category (its table D.1). */
const VW_PAPER: Readonly<Record<string, number>> = { A: 3.9, B: 3.58, C: 6.75 };

export const vw300: Benchmark<readonly Point[], number> = {
  task: 'landmarks',
  set: '300VW',
  layout: 'a folder a video (114 and so on) with vid.avi and annot/000001.pts; FFmpeg decodes them',
  found: (folder) => namesIn(folder).some((name) => existsSync(join(folder, name, 'annot'))),
  read(folder, limit) {
    const videos = Object.values(CATEGORIES).flat();
    const there = videos.filter((id) => existsSync(join(folder, id, 'annot')));
    const open = new OpenVideo();
    const frames = there.flatMap((id) =>
      namesIn(join(folder, id, 'annot'))
        .filter((name) => /\.pts$/i.test(name))
        .map((name) => ({ id, name })),
    );
    const lacking = videos.length - there.length;
    const notes = [CROP_NOTE, ...(lacking > 0 ? [`${lacking} of the ${videos.length} test videos are not there`] : [])];
    const listing = listingOf(
      folder,
      frames,
      limit,
      ({ id, name }): Sample<readonly Point[]> | string => {
        if (!/^\d+\.pts$/i.test(name)) return `${id}/annot/${name} is not named by the number of a frame`;
        const points = pointsOf(join(folder, id, 'annot', name));
        if (typeof points === 'string') return points;
        const index = Number.parseInt(name, 10) - 1;
        return { name: `${id}/${name}`, read: () => open.at(join(folder, id, 'vid.avi'), index), place: around(points), label: points };
      },
      notes,
    );
    return { ...listing, close: () => open.close() };
  },
  score,
  rows(scores) {
    return Object.entries(CATEGORIES).flatMap(([category, ids]) => {
      const errors = [...scores].filter(([name]) => ids.includes(name.split('/')[0] as string)).map(([, error]) => error);
      return errors.length > 0 ? [rowOf(`category ${category}`, errors, VW_PAPER[category])] : [];
    });
  },
};

/** Frames of one video after the other, each's in rising order. FFmpeg waits while nobody takes them, and this process for FFmpeg. */
class OpenVideo {
  #path = '';
  #frames: ReturnType<typeof framesOf> | undefined;

  async at(path: string, index: number): Promise<RawPicture> {
    if (path !== this.#path) {
      this.close();
      this.#path = path;
      this.#frames = framesOf(path, { first: index });
    }
    for (;;) {
      const next = await this.#frames?.next();
      if (!next || next.done) throw new FaceXFormerError('BAD_PICTURE', `${path} has no frame ${index + 1}.`);
      if (next.value.index === index) return next.value.picture;
    }
  }

  close(): void {
    void this.#frames?.return(undefined);
  }
}
