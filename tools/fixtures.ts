/** The reference runs' files on this machine. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Form } from '../src/face/forms.ts';
import { parseReference, type Reference } from './reference.ts';
import { root } from './root.ts';

export { BOX, type Expected, SEED } from './reference.ts';

/** The whole files where they lie beside the project, else the project's own, whose large tensors are thinned. */
const folder = [join(root, '../shared/fixtures'), join(root, 'test/fixtures')].find((path) =>
  existsSync(join(path, 'astronaut-face.safetensors')),
);

export const FILE: Readonly<Record<Form, string>> = { released: 'astronaut-face.safetensors', paper: 'astronaut-face-paper.safetensors' };
/** The picture of the reference runs. */
export const PICTURE = join(root, 'test/fixtures/astronaut.png');

export const reference = (form: Form): Reference => read(FILE[form]);

/** The paper form's on another encoder than Swin-B, which was given the same pixels. */
export const encoderReference = (encoder: string): Reference => ({
  ...read(`astronaut-face-${encoder}.safetensors`),
  pixels: reference('paper').pixels,
});

function read(file: string): Reference {
  if (!folder) throw new Error('The reference runs are missing: test/fixtures has none.');
  return parseReference(readFileSync(join(folder, file)));
}
