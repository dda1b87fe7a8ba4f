/** facexformer-webgpu/video: faces followed through a video, with ids that last and results that do not tremble. */
export { type Camera, type CameraOptions, cameras, closeCamera, openCamera } from './camera.ts';
export { decodeFrames } from './decode.ts';
export type { FrameChoice, FrameStream, VideoSource } from './frames.ts';
export { FaceSession, type FollowOptions, followFaces, type VideoEnd, type VideoEngine, type VideoResult } from './session.ts';
export type { TrackedFace } from './tracked-face.ts';
export { type Track, Tracker, type TrackerOptions } from './tracker.ts';
