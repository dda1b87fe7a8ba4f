/** A face as JSON: the same members, with plain arrays in place of typed ones. */
import type { Face, Segmentation } from './results.ts';

export type FaceJson = Omit<Face, 'segmentation' | 'recognition'> & {
  segmentation?: Omit<Segmentation, 'classes'> & { classes: number[] };
  recognition?: { embedding: number[] };
};

/** `JSON.stringify` alone would write typed arrays as objects with number keys. */
export function faceToJson(face: Face): FaceJson {
  const { segmentation, recognition, ...rest } = face;
  return {
    ...rest,
    ...(segmentation && { segmentation: { ...segmentation, classes: Array.from(segmentation.classes) } }),
    ...(recognition && { recognition: { embedding: Array.from(recognition.embedding) } }),
  };
}
