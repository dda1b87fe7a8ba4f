/** facexformer-webgpu/detect: faces in pictures, by MTCNN on our own kernels; and what makes other detectors' boxes like its own. */
export type { DetectedFace, FaceDetector, LoadDetector } from '../image/detector.ts';
export {
  boxOfPoints,
  fromHuman,
  fromMediaPipe,
  fromShapeDetector,
  type HumanDetector,
  type MediaPipeDetector,
  type ShapeDetector,
} from './adapters.ts';
export {
  type DetectOptions,
  type FaceOrder,
  LARGEST_PICTURE,
  Mtcnn,
  type MtcnnFace,
  type MtcnnOptions,
  mtcnn,
  type SearchOptions,
} from './mtcnn.ts';
