/** facexformer-webgpu/faces: what apps ask of faces that were found, in numbers alone: how good one is, and how it is in the mirror. */
export { mirror } from './face/mirror.ts';
export { type FaceQuality, faceQuality, VISIBILITY_REGIONS, type VisibilityRegion } from './face/quality.ts';
