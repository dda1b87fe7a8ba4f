/** facexformer-webgpu: FaceXFormer in the browser, on handwritten WebGPU kernels. Importing it touches no global. */

export { type CachedWeights, weightCache } from './checkpoint/cache.ts';
export type { Checkpoint, Dtype, ReadOptions, TensorInfo } from './checkpoint/checkpoint.ts';
export type { RetryOptions } from './checkpoint/connection.ts';
export { type OpenOptions, openCheckpoint, type WeightsSource } from './checkpoint/open.ts';
export { DEFAULT_SEED, seededCheckpoint } from './checkpoint/seeded.ts';
export { safetensorsBytes } from './checkpoint/write.ts';
export { FaceXFormer } from './engine/facexformer.ts';
export type {
  Analysis,
  AnalyzeOptions,
  EngineDtype,
  EngineInfo,
  FaceWith,
  LoadOptions,
  Progress,
  Timings,
  TuneOptions,
  TuneReport,
} from './engine/options.ts';
export { type NetworkChoice, tensorsOf } from './face/config.ts';
export type { AnalyzedFace, RawTensor } from './face/faces.ts';
export type { Form } from './face/forms.ts';
export { Gallery, type GalleryJson, type Match, similarity } from './face/gallery.ts';
export { type FaceJson, faceToJson } from './face/json.ts';
export * from './face/labels.ts';
export type { Angles, Matrix3 } from './face/pose.ts';
export type { AgeChoice, Choice, Face, HeadPose, RawOutputs, Segmentation, Visibility } from './face/results.ts';
export { type AdapterName, checkSupport, type LentDevice, type Support, type SupportOptions } from './gpu/device.ts';
export { type ErrorCode, FaceXFormerError } from './gpu/errors.ts';
export type { GpuLoss } from './gpu/recovery.ts';
export type { Plan } from './graph/plan.ts';
export { planJson, printPlan } from './graph/print.ts';
export type { KernelTime } from './graph/profile.ts';
export { type AnyBox, type Box, maskToPicture, OFFICIAL_MARGIN, type Point, type Size, widen, widenToSquare } from './image/crop.ts';
export type { DetectedFace, FaceDetector, LoadDetector } from './image/detector.ts';
export type { QueueMode } from './image/line.ts';
export { SharedPicture } from './image/shared.ts';
export type { PictureSource, RawPicture } from './image/source.ts';
export type { HourglassSizes } from './model/hourglass.ts';
export type { TunedShape } from './tune/tune.ts';
