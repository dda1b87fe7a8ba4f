/** The files that both sides load: the same seeded weights as safetensors and inside an ONNX model. */

import { existsSync } from 'node:fs';
import { exportOnnx } from '../../onnx/export.ts';
import { seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { tensorsOf } from '../../src/face/config.ts';
import type { Form } from '../../src/face/forms.ts';
import { save } from '../../tools/save.ts';

/** Paths of the two files, made where they are not yet there. The model is made anew every time: the export itself may have changed. */
export async function prepare(form: Form, seed: number, folder: string): Promise<{ weights: string; model: string }> {
  const [weights, model] = [`${folder}/${form}-${seed}.safetensors`, `${folder}/${form}-${seed}.onnx`];
  const checkpoint = seededCheckpoint(tensorsOf(form), seed);
  if (!existsSync(weights)) await save(weights, safetensorsBytes(checkpoint));
  await exportOnnx({ checkpoint, out: model });
  return { weights, model };
}
