/** facexformer-webgpu/draw: faces on canvases: drawn, cut out, blurred, and their parts as masks. Needs no DOM: works in a worker too. */
export { type BlurOptions, blurFaces } from './face/blur.ts';
export { type CropFaceOptions, cropFace } from './face/crop-face.ts';
export { type DrawnFace, type DrawOptions, drawFaces } from './face/draw.ts';
export { alphaOf, contoursOf, type MaskOptions, maskBitmap, type ParsedFace } from './face/masks.ts';
export type { Colours, DrawContext } from './face/pen.ts';
