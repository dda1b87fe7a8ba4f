/** A line of the results: a picture, or a frame of a video, with its faces or with why there are none. */
import type { Face } from '../../src/face/results.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { Job } from '../bulk/journal.ts';
import { type FaceRow, rounded, rowOfFace } from './face.ts';

/** The form of the lines: another number means that readers of this one may not understand. */
export const SCHEMA = 'facexformer-webgpu/annotation/1';

export interface Row {
  readonly schema: string;
  /** As the person named it. */
  readonly picture: string;
  /** Of a video: which frame, from 0, and when it is shown, in seconds. */
  readonly frame?: number;
  readonly time?: number;
  readonly width?: number;
  readonly height?: number;
  readonly faces?: readonly FaceRow[];
  readonly error?: { readonly code: string; readonly message: string };
  /** The weights and options that made it. */
  readonly by: Job;
}

/** Which picture a row is of. */
export type Subject = Pick<Row, 'picture' | 'frame' | 'time'>;

export function rowOf(
  subject: Subject,
  { width, height }: { width: number; height: number },
  faces: readonly (Face | FaceXFormerError)[],
  fileOf: (face: Face, index: number) => string | undefined,
): Omit<Row, 'by'> {
  const failed = faces.find((face) => face instanceof FaceXFormerError);
  if (failed) return failedRow(subject, failed as FaceXFormerError);
  const rows = faces.map((face, i) => rowOfFace(face as Face, fileOf(face as Face, i)));
  return { schema: SCHEMA, ...(rounded(subject) as Subject), width, height, faces: rows };
}

export const failedRow = (subject: Subject, { code, message }: FaceXFormerError): Omit<Row, 'by'> => ({
  schema: SCHEMA,
  ...(rounded(subject) as Subject),
  error: { code, message },
});
