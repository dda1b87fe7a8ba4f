/** Whether a face is fit for what comes next, in numbers: how large it is, where it looks, what of it the picture's edge cuts off, and what hides it. */
import { given } from '../gpu/given.ts';
import { type Box, boxOf, OFFICIAL_MARGIN, type Size, wholePicture } from '../image/crop.ts';
import { SIZE } from '../image/resize.ts';
import type { Face, Visibility } from './results.ts';
import { isSound } from './sound.ts';

/**
 * COFW's 29 points by what they are on, as that set's figure numbers them (Burgos-Artizzu et al. 2013); which points are each other's mirror images
 * says the same. Sides are the picture's in that figure. That the network's outputs are in this order is for trained weights to show.
 */
export const VISIBILITY_REGIONS = {
  'left eyebrow': [0, 2, 4, 5],
  'right eyebrow': [1, 3, 6, 7],
  'left eye': [8, 10, 12, 13, 16],
  'right eye': [9, 11, 14, 15, 17],
  nose: [18, 19, 20, 21],
  mouth: [22, 23, 24, 25, 26, 27],
  chin: [28],
} as const;
export type VisibilityRegion = keyof typeof VISIBILITY_REGIONS;

/** What of a face its quality is seen by; a face that is followed through a video has a place besides, whether or not the detector looked. */
type QualityFace = Pick<Face, 'box' | 'detected' | 'source' | 'headpose' | 'visibility'> & { readonly place?: Box | undefined };

/** What `faceQuality` tells. What is good enough depends on the app, so no number of it is a verdict. */
export interface FaceQuality {
  /** Of the face itself, not of the widened box, in picture pixels: the shorter side. */
  readonly size: number;
  /** Picture pixels for one of the network's, along the coarser axis: below 1 the network saw an enlarged face. */
  readonly detail: number;
  /** Degrees between where the face looks and the viewer, 0 straight on; with the task `headpose`. */
  readonly turned?: number;
  /** How much of the face the picture's edges cut off, in parts of its width and height. */
  readonly cut: Readonly<Record<'left' | 'top' | 'right' | 'bottom', number>>;
  /** Mean probability of a region's points of being occluded, 0 to 1; with the task `visibility`. */
  readonly occlusion?: Readonly<Record<VisibilityRegion, number>>;
  /** Of all 29 points. */
  readonly occluded?: number;
}

/**
 * How good a face is. Where the face itself is, inside of its widened box, the detector or a video's session has said; where neither has, the margin is taken off.
 * @param picture its size, as an `Analysis` has it; unless given, edges are known of a detected face alone, by the margin that they took off
 * @throws FaceXFormerError BAD_OPTION, BAD_BOX
 */
export function faceQuality(face: QualityFace, picture?: Size): FaceQuality {
  return given("faceQuality() takes a face as analyze() gives it, and its picture's size.", () => {
    const { box, detected, place = detected, ...rest } = face;
    const quality = qualityOf({ ...rest, box: boxOf(box), ...(place && { detected: boxOf(place) }) }, picture);
    if (!(quality.size > 0 && isSound(quality))) throw new TypeError('a box without size, or what is no number');
    return quality;
  });
}

function qualityOf(face: QualityFace, picture: Size | undefined): FaceQuality {
  const own = face.detected ?? (face.source === 'whole' ? face.box : narrowed(face.box));
  const [width, height] = [own.x1 - own.x0, own.y1 - own.y0];
  // A widened box ends at the picture's edge, or beyond the face.
  const edge = picture ? wholePicture(picture) : face.box;
  const beyond = (by: number, side: number) => Math.min(1, Math.max(0, by / side));
  const { visibility, headpose } = face;
  return {
    size: Math.min(width, height),
    detail: Math.min(face.box.x1 - face.box.x0, face.box.y1 - face.box.y0) / SIZE,
    ...(headpose && { turned: (Math.acos(Math.max(-1, Math.min(1, numberOf(headpose.matrix[8])))) * 180) / Math.PI }),
    cut: {
      left: beyond(-own.x0, width),
      top: beyond(-own.y0, height),
      right: beyond(own.x1 - edge.x1, width),
      bottom: beyond(own.y1 - edge.y1, height),
    },
    ...(visibility?.length && {
      occlusion: Object.fromEntries(
        Object.entries(VISIBILITY_REGIONS).map(([region, points]) => [region, meanOf(points.map((i) => visibility[i]))]),
      ) as Record<VisibilityRegion, number>,
      occluded: meanOf(visibility),
    }),
  };
}

/** The box before it was widened by the official margin, where the picture has left room for that. */
function narrowed({ x0, y0, x1, y1 }: Box): Box {
  const part = OFFICIAL_MARGIN / 2 / (1 + OFFICIAL_MARGIN);
  const [dx, dy] = [(x1 - x0) * part, (y1 - y0) * part];
  return { x0: x0 + dx, y0: y0 + dy, x1: x1 - dx, y1: y1 - dy };
}

function meanOf(points: readonly (Visibility | undefined)[]): number {
  return points.reduce((sum, point) => sum + numberOf(point?.probability), 0) / points.length;
}

/** NaN for what is none, null and texts among that, by which arithmetic would go on. */
const numberOf = (value: unknown): number => (Number.isFinite(value) ? (value as number) : Number.NaN);
