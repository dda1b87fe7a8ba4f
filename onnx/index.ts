/** What a script needs to export a model and to compare its answers. */

export { tensorsOf } from '../src/checkpoint/manifest.ts';
export { seededCheckpoint } from '../src/checkpoint/seeded.ts';
export { nmse } from '../src/tune/nmse.ts';
export { exportOnnx } from './export.ts';
