/** SegFace, face parsing in 19 classes by the authors of FaceXFormer, for apps that import it: the engine does not know it. */

export { isSegFace, SEGFACE_SIDE, segFaceTensors } from './config.ts';
export { SEGFACE_CLASSES, type SegFaceClass } from './labels.ts';
export { SegFace, type SegFaceAnalysis, type SegFaceAnalyzeOptions, type SegFaceLoadOptions, type SegmentedFace } from './segface.ts';
