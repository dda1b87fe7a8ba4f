/** The files that both sides load: the same seeded weights as safetensors and inside an ONNX model. */
import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Form, tensorsOf } from '../../src/checkpoint/manifest.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { exportOnnx } from '../onnx/export.ts';

/** Paths of the two files, made where they are not yet there. The model is made anew every time: the export itself may have changed. */
export async function prepare(form: Form, seed: number, folder: string): Promise<{ weights: string; model: string }> {
  mkdirSync(folder, { recursive: true });
  const [weights, model] = [`${folder}/${form}-${seed}.safetensors`, `${folder}/${form}-${seed}.onnx`];
  const checkpoint = seededCheckpoint(tensorsOf(form), seed);
  if (!existsSync(weights)) {
    // Each piece is valid only until the next is asked for, and a stream may ask early.
    const pieces = async function* () {
      for await (const piece of safetensorsBytes(checkpoint)) yield piece.slice();
    };
    await pipeline(Readable.from(pieces(), { highWaterMark: 1 }), createWriteStream(`${weights}.part`));
    renameSync(`${weights}.part`, weights);
  }
  await exportOnnx({ form, checkpoint, out: model });
  return { weights, model };
}
