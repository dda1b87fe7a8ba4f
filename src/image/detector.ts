/** What finds faces for the engine: MTCNN of `facexformer-webgpu/detect`, or anything else that gives boxes. */
import type { LentDevice } from '../gpu/device.ts';
import type { Box, Point } from './crop.ts';
import type { PictureSource } from './source.ts';

/** A face that a detector found. */
export interface DetectedFace {
  /** As MTCNN draws it: from above the brows to below the chin, the ears left out; in picture pixels. It may reach over the picture's edge. */
  readonly box: Box;
  /** How sure the detector is, 0 to 1. */
  readonly score: number;
  /** Where it gives them: the eye on the picture's left, the one on its right, the nose, the mouth's corner on the left, the one on the right. */
  readonly points?: readonly Point[] | undefined;
}

/** Finds faces. The official script takes MTCNN, whose boxes the network was trained on: those of another detector have to be like them. */
export interface FaceDetector {
  /**
   * The faces in the order in which they are wanted; none is []. What it throws, `analyze` throws as it is. It has 600 seconds, and must not await the
   * engine that it works for, which answers in order.
   */
  detect(picture: PictureSource, options?: { signal?: AbortSignal | undefined }): Promise<readonly DetectedFace[]>;
  dispose?(): void;
}

/** Makes a detector when the engine is loaded, beside everything else that is; the engine disposes of it. */
export type LoadDetector = (on: { readonly device: LentDevice; readonly signal: AbortSignal | undefined }) => Promise<FaceDetector>;
