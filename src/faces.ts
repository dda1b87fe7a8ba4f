/** facexformer-webgpu/faces: what apps ask of faces that were found: one in words, how good it is, and how it is in the mirror. */
export { type Description, describeFace } from './face/describe.ts';
export { mirror } from './face/mirror.ts';
export { type FaceQuality, faceQuality, VISIBILITY_REGIONS, type VisibilityRegion } from './face/quality.ts';
export type { Bar, Card } from './face/readings/reading.ts';
