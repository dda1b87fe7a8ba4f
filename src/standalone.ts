/** Everything that the package exports, for who has no bundler: one file. */

export * from './detect/index.ts';
// Of the two that bear this name, the one for engines on the page; it serves those in a worker as well.
export { mtcnn } from './detect/index.ts';
export * from './draw.ts';
export * from './faces.ts';
export * from './index.ts';
export * from './segface/index.ts';
export * from './video/index.ts';
export * from './worker/client.ts';
