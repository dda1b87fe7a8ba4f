/** What a script needs to export a model. */

export { tensorsOf } from '../src/checkpoint/manifest.ts';
export { seededCheckpoint } from '../src/checkpoint/seeded.ts';
export { exportOnnx } from './export.ts';
