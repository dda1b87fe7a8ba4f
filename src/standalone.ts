/** Everything that the package exports, for who has no bundler: one file. */

export * from './face/draw.ts';
export * from './index.ts';
