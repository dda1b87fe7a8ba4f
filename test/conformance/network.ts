/** What the files beside it share: the portrait in memory, and an engine's tensors against PyTorch's. */
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { type AnalyzedFace, type Box, type Checkpoint, FaceXFormer, type RawTensor } from '../../src/index.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { portrait } from '../fixtures.ts';

const { width, height, data } = PNG.sync.read(readFileSync(portrait));
/** 512 x 512, RGBA. */
export const picture = { width, height, data: new Uint8Array(data) };

export type Raw = Readonly<Record<string, RawTensor>>;

/**
 * Loads the fused plan onto lavapipe. `auto`: with the kernels that its table gives CPUs, which compile in half a minute; `fused`: with a
 * desktop's, which take minutes.
 */
export const loadFused = (device: GPUDevice, weights: Checkpoint, dtype: 'f32' | 'f16' = 'f32', plan: 'auto' | 'fused' = 'auto') =>
  FaceXFormer.load({ weights, device, plan, dtype });

/** A face's raw tensors, with taps, and its parsing map. */
export async function tappedFace(engine: FaceXFormer, box: Box): Promise<{ raw: Raw; mask: Uint8Array }> {
  const face = (await engine.analyze(picture, { box, taps: true })).faces[0] as AnalyzedFace;
  return { raw: face.raw as Raw, mask: face.segmentation?.classes as Uint8Array };
}

/** The greatest NMSE of the outputs of one face against the other's, and of which. */
export function farthest(given: Raw, expected: Raw): { output: string; nmse: number } {
  const names = Object.keys(expected).filter((name) => name.startsWith('output.'));
  if (names.length === 0 || names.join() !== outputsOf(given).join()) throw new Error(`outputs ${outputsOf(given)}, expected ${names}`);
  const all = names.map((output) => ({ output, nmse: nmse(given[output]?.data ?? [], expected[output]?.data ?? []) }));
  return all.reduce((worst, one) => (one.nmse <= worst.nmse ? worst : one)); // a NaN is the worst
}

const outputsOf = (raw: Raw) => Object.keys(raw).filter((name) => name.startsWith('output.'));

/** What of two parsing maps differs: a share of the pixels. */
export const differing = (mask: Uint8Array, other: Uint8Array): number =>
  mask.length === other.length ? mask.filter((one, i) => one !== other[i]).length / mask.length : 1;

/** Taps that a fused frame has, of either form. */
export const FUSED_TAPS = [
  ...['patch_embed', 'stage1.block0', 'stage1.block1', 'stage1', 'merge1', 'stage2', 'merge2', 'stage3', 'merge3', 'stage4', 'fused'],
  ...['decoder0.tokens', 'decoder0.image', 'decoder1.tokens', 'decoder1.image', 'decoder.tokens'],
].map((name) => `tap.${name}`);

/** Those of the paper form's hourglass. */
export const HOURGLASS_TAPS = [0, 1, 2, 3].flatMap((i) => ['features', 'heatmaps'].map((name) => `tap.landmarks.stack${i}.${name}`));
