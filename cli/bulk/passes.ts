/** Faces of many pictures through the network, up to eight a pass. */

import type { AnalyzeOptions } from '../../src/engine/options.ts';
import type { Face } from '../../src/face/results.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { type Box, checkBox, type Size, widen, widenToSquare } from '../../src/image/crop.ts';
import type { FaceDetector } from '../../src/image/detector.ts';
import type { RawPicture } from '../../src/image/source.ts';
import { cut } from '../picture.ts';

/** A face cut out of its picture, which need not be kept for it. */
export interface Cut {
  readonly pixels: RawPicture;
  /** Where in its picture the pixels are. */
  readonly box: Box;
  /** Who said so. */
  readonly origin: Pick<Face, 'source' | 'score' | 'detected' | 'points'>;
}

/** What of an engine is needed here. */
export interface Analyzer {
  analyzeMany(pictures: Iterable<RawPicture>, options: AnalyzeOptions): AsyncIterable<{ readonly faces: readonly Face[] }>;
}

/** How faces are found and cut out. */
export interface Finding {
  /** `whole`: each picture is one face. */
  readonly detector: FaceDetector | 'whole';
  readonly crop?: 'official' | 'square';
  readonly maxFaces?: number | undefined;
}

/** The faces of a picture, cut out. */
export async function facesIn(picture: RawPicture, { detector, crop, maxFaces }: Finding): Promise<Cut[]> {
  const { width, height } = picture;
  if (detector === 'whole') return [{ pixels: picture, box: { x0: 0, y0: 0, x1: width, y1: height }, origin: { source: 'whole' } }];
  const found = await detector.detect(picture);
  return found.slice(0, maxFaces).flatMap(({ box: detected, score, points }) => {
    const box = widenedBox(detected, picture, crop);
    return box ? [{ pixels: cut(picture, box), box, origin: { source: 'detector', score, detected, ...(points && { points }) } }] : [];
  });
}

/** The box that the network is given of a face's, of whole numbers; undefined beside the picture. */
export function widenedBox(detected: Box, picture: Size, crop: 'official' | 'square' = 'official'): Box | undefined {
  const wide = (crop === 'square' ? widenToSquare : widen)(detected, picture);
  return Math.trunc(wide.x1) > Math.trunc(wide.x0) && Math.trunc(wide.y1) > Math.trunc(wide.y0) ? checkBox(wide, picture) : undefined;
}

/**
 * What the network says of each face, in picture pixels, or why it says nothing. The passes are of 8, 4, 2 and 1, of which an engine keeps the programs: a rest of seven
 * would ask it for one of its own. Which passes there are, and so every bit of the results, follows from the faces that are given, and from nothing before or after them.
 * @throws FaceXFormerError where the engine is lost, and no face will go through it any more
 */
export async function facesOf(engine: Analyzer, cuts: readonly Cut[], options: AnalyzeOptions): Promise<(Face | FaceXFormerError)[]> {
  const passes = passesOf(cuts);
  const results = await Promise.allSettled(passes.map((pass) => facesOfPass(engine, pass, options)));
  const faces: (Face | FaceXFormerError)[] = [];
  for (const [i, result] of results.entries()) {
    if (result.status === 'fulfilled') faces.push(...result.value);
    else faces.push(...(await oneByOne(engine, passes[i] as Cut[], options, result.reason)));
  }
  return faces;
}

export function passesOf<Item>(items: readonly Item[]): Item[][] {
  const passes: Item[][] = [];
  for (let at = 0; at < items.length; ) {
    const size = [8, 4, 2, 1].find((most) => most <= items.length - at) as number;
    passes.push(items.slice(at, at + size));
    at += size;
  }
  return passes;
}

async function facesOfPass(engine: Analyzer, cuts: readonly Cut[], options: AnalyzeOptions): Promise<Face[]> {
  const pictures = cuts.map(({ pixels }) => pixels);
  const faces: Face[] = [];
  for await (const analysis of engine.analyzeMany(pictures, { ...options, box: 'whole' })) {
    const { box, origin } = cuts[faces.length] as Cut;
    faces.push(placed(analysis.faces[0] as Face, box, origin));
  }
  return faces;
}

/** A pass fails as a whole: which of its faces is to blame, each tells alone. */
async function oneByOne(
  engine: Analyzer,
  cuts: readonly Cut[],
  options: AnalyzeOptions,
  reason: unknown,
): Promise<(Face | FaceXFormerError)[]> {
  const faces: (Face | FaceXFormerError)[] = [];
  mustGoOn(reason);
  for (const one of cuts)
    faces.push(
      await facesOfPass(engine, [one], options).then(
        ([face]) => face as Face,
        (error: unknown) => mustGoOn(error),
      ),
    );
  return faces;
}

const OF_ONE_FACE = ['BAD_PICTURE', 'BAD_BOX', 'LIMIT', 'GPU_ERROR'];

/** The error, if it is of one face and the next may do better. */
export function mustGoOn(error: unknown): FaceXFormerError {
  if (error instanceof FaceXFormerError && OF_ONE_FACE.includes(error.code)) return error;
  throw error;
}

/** A face of what was cut out, in its picture. */
function placed(face: Face, box: Box, origin: Cut['origin']): Face {
  const landmarks = face.landmarks?.map(({ x, y }) => ({ x: x + box.x0, y: y + box.y0 }));
  return { ...face, box, ...origin, ...(landmarks && { landmarks }) };
}
