/** What a script needs to export a model. */

export { tensorsOf } from '../../src/checkpoint/manifest.ts';
export { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
export { type ExportOptions, exportOnnx, writeOnnx } from './export.ts';
export { facexformer } from './model.ts';
