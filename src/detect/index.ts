/** facexformer-webgpu/detect: faces in pictures, by MTCNN on our own kernels. */
export {
  type DetectedFace,
  type DetectOptions,
  type FaceOrder,
  LARGEST_PICTURE,
  Mtcnn,
  type MtcnnOptions,
  type SearchOptions,
} from './mtcnn.ts';
