/** What a script needs to export a model and to compare its answers. */

export { seededCheckpoint } from '../src/checkpoint/seeded.ts';
export { tensorsOf } from '../src/face/config.ts';
export { nmse } from '../src/tune/nmse.ts';
export { exportOnnx } from './export.ts';
