/** PyTorch's answers for SegFace: the full files where ../shared/fixtures lies beside the project, else the project's own, thinned further. */
import { createHash } from 'node:crypto';
import { type Expected, readTensors, sharedFixture } from '../fixtures.ts';

export const SEGFACE_FIXTURES = [
  'swin_base-224',
  'swin_base-448',
  'swin_base-512',
  'convnext_base-512',
  'resnet-512',
  'mobilenet-512',
] as const;
export type SegFaceFixture = (typeof SEGFACE_FIXTURES)[number];

export interface SegFaceTruth {
  readonly seed: number;
  readonly box: { x0: number; y0: number; x1: number; y1: number };
  /** The encoder, by the name that the project has for it. */
  readonly encoder: string;
  readonly side: number;
  /** `tap.stage1` to `tap.stage4` and `output.segmentation`. */
  readonly names: readonly string[];
  expected(name: string): Expected;
  /** The crop as the network is given it: the SHA-256 of its bytes, red, green, blue. */
  readonly resized: string;
  /** The class of every `step`-th pixel. */
  readonly mask: Pick<Expected, 'values' | 'step'>;
}

/** The official code's names of the encoders. */
const ENCODERS: Readonly<Record<string, string>> = {
  swin_base: 'swin_b',
  convnext_base: 'convnext_b',
  resnet: 'resnet101',
  mobilenet: 'mobilenet_v3_large',
};

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function segFaceTruth(name: SegFaceFixture): SegFaceTruth {
  const { metadata, tensors } = readTensors(sharedFixture(`segface-celeb-${name}`));
  const thinned = JSON.parse(metadata['thinned'] ?? '{}') as Record<string, { shape: number[]; step: number }>;
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = JSON.parse(metadata['box'] ?? '[]') as number[];
  const expected = (one: string): Expected => {
    const tensor = tensors.get(one);
    if (!tensor) throw new Error(`the fixture has no ${one}`);
    return { values: tensor.data, ...(thinned[one] ?? { shape: tensor.shape, step: 1 }) };
  };
  const resized = tensors.get('resized');
  return {
    seed: Number(metadata['weights']?.replace('seeded ', '')),
    box: { x0, y0, x1, y1 },
    encoder: ENCODERS[metadata['backbone'] ?? ''] ?? '',
    side: Number(metadata['resolution']),
    names: [...tensors.keys()].filter((one) => /^tap\.|^output\.segmentation$/.test(one)),
    expected,
    resized: metadata['resized'] ?? sha256(resized?.data as Uint8Array),
    mask: expected('output.mask'),
  };
}
