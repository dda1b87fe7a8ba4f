/** facexformer-webgpu: FaceXFormer in the browser, on handwritten WebGPU kernels. Importing it touches no global. */

export { type CachedWeights, weightCache } from './checkpoint/cache.ts';
export type { Checkpoint, Dtype, ReadOptions, TensorInfo } from './checkpoint/checkpoint.ts';
export type { RetryOptions } from './checkpoint/connection.ts';
export { type Form, type HourglassSizes, tensorsOf } from './checkpoint/manifest.ts';
export { type OpenOptions, openCheckpoint, type WeightsSource } from './checkpoint/open.ts';
export { DEFAULT_SEED, seededCheckpoint } from './checkpoint/seeded.ts';
export { safetensorsBytes } from './checkpoint/write.ts';
export type { AdapterName } from './gpu/device.ts';
export { type ErrorCode, FaceXFormerError } from './gpu/errors.ts';
export type { Plan } from './graph/plan.ts';
export { planJson, printPlan } from './graph/print.ts';
export type { KernelTime } from './graph/profile.ts';
export type { TunedShape } from './graph/tune.ts';
export { type Box, maskToPicture, OFFICIAL_MARGIN, type Point, type Size, widen } from './image/crop.ts';
export type { PictureSource, RawPicture } from './image/source.ts';
export { FaceXFormer } from './model/facexformer.ts';
export { Gallery, type GalleryJson, type Match, similarity } from './model/gallery.ts';
export { type FaceJson, faceToJson } from './model/json.ts';
export * from './model/labels.ts';
export type {
  Analysis,
  AnalyzedFace,
  AnalyzeOptions,
  EngineDtype,
  EngineInfo,
  LoadOptions,
  Progress,
  Timings,
  TuneOptions,
  TuneReport,
} from './model/options.ts';
export type { Angles, Matrix3 } from './model/pose.ts';
export type { RawTensor } from './model/raw.ts';
export type { AgeChoice, Choice, Face, HeadPose, RawOutputs, Segmentation, Visibility } from './model/results.ts';
