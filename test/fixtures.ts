/**
 * PyTorch's answers: the full files where ../shared/fixtures lies beside the project, else the project's own, whose large tensors are
 * thinned (scripts/make-fixtures.mjs). One interface for both: an expected tensor has every `step`-th value.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nmse } from '../src/tune/nmse.ts';

const own = new URL('./fixtures/', import.meta.url);
const full = new URL('../../shared/fixtures/', import.meta.url);

/** True where every value is compared. */
export const wholeFixtures = existsSync(new URL('astronaut-face.safetensors', full));

/** A file of tensors: the full one, or the project's own. */
export const sharedFixture = (name: string): URL => new URL(`${name}.safetensors`, wholeFixtures ? full : own);

export type FixtureName = 'astronaut-face' | 'astronaut-wide' | 'astronaut-face-paper';
/** The paper form on other encoders; their large tensors are thinned in the full files too, and there is no mask. */
export type EncoderFixtureName = `astronaut-face-${'convnext_b' | 'resnet101' | 'mobilenet_v3_large'}`;

export interface Expected {
  /** Of the whole tensor. */
  shape: readonly number[];
  /** Elements 0, step, 2 step, ... */
  values: Float32Array | Uint8Array;
  step: number;
}

export interface Fixture {
  form: 'released' | 'paper';
  /** Of the seeded weights. */
  seed: number;
  box: { x0: number; y0: number; x1: number; y1: number };
  /** Path of the picture. */
  picture: string;
  /** `output.*`, `resized`, `pixels` and, where the fixture has them, `tap.*`. */
  names: readonly string[];
  expected(name: string): Expected;
  /** [224, 224], the argmax of the parsing logits, always whole; empty where the logits are thinned in the full file. */
  mask: Uint8Array;
}

export interface Tensor {
  shape: readonly number[];
  data: Float32Array | Uint8Array;
}

interface Info {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Every tensor of a safetensors file of F32 and U8, and its `__metadata__`. */
export function readTensors(file: string | URL): { metadata: Record<string, string>; tensors: Map<string, Tensor> } {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata = {}, ...infos } = JSON.parse(bytes.toString('utf8', 8, start)) as {
    __metadata__?: Record<string, string>;
  } & { [name: string]: Info };
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(infos)) {
    const data = Uint8Array.from(bytes.subarray(start + data_offsets[0], start + data_offsets[1]));
    tensors.set(name, { shape, data: dtype === 'F32' ? new Float32Array(data.buffer) : data });
  }
  return { metadata, tensors };
}

export const portrait = fileURLToPath(new URL('astronaut.png', own));

export function fixture(name: FixtureName | EncoderFixtureName): Fixture {
  const { metadata, tensors } = readTensors(sharedFixture(name));
  const thinned = JSON.parse(metadata['thinned'] ?? '{}') as Record<string, { shape: number[]; step: number }>;
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = JSON.parse(metadata['box'] ?? '[]') as number[];

  function expected(name: string): Expected {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`the fixture has no ${name}`);
    return { values: tensor.data, ...(thinned[name] ?? { shape: tensor.shape, step: 1 }) };
  }

  function maskOf(): Uint8Array {
    if (tensors.has('mask')) return Uint8Array.from(expected('mask').values);
    const logits = expected('output.segmentation');
    return logits.step === 1 ? argmax(logits) : new Uint8Array();
  }

  return {
    form: metadata['form'] === 'paper' ? 'paper' : 'released',
    seed: Number(metadata['seed'] ?? metadata['weights']?.replace('seeded ', '')),
    box: { x0, y0, x1, y1 },
    picture: portrait,
    names: [...tensors.keys()].filter((one) => one !== 'mask'),
    expected,
    mask: maskOf(),
  };
}

/** Every `step`-th value of a whole tensor, as {@link Expected} has them. */
export function thin<Values extends Float32Array | Uint8Array>(values: Values, step: number): Values {
  return step === 1 ? values : (values.filter((_, i) => i % step === 0) as Values);
}

/** NMSE of a whole tensor against what is expected of it; its shape must be the same. */
export function distance(actual: Tensor, { shape, values, step }: Expected): number {
  if (actual.shape.join() !== shape.join()) throw new Error(`the shape is [${actual.shape}], expected is [${shape}]`);
  return nmse(thin(actual.data, step), values);
}

/** The class of the greatest logit at every pixel, the first one among equals. Logits are [1, classes, height, width]. */
export function argmax({ shape, values }: Pick<Expected, 'shape' | 'values'>): Uint8Array {
  const [, classes = 0, height = 0, width = 0] = shape;
  const pixels = height * width;
  return Uint8Array.from({ length: pixels }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if ((values[c * pixels + i] as number) > (values[best * pixels + i] as number)) best = c;
    return best;
  });
}
