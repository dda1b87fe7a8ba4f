/** Everything that the package exports, for who has no bundler: one file. */

export * from './detect/index.ts';
export * from './draw.ts';
export * from './faces.ts';
export * from './index.ts';
export * from './segface/index.ts';
export * from './video/index.ts';
export { RemoteFaceXFormer, RemoteMtcnn } from './worker/client.ts';
