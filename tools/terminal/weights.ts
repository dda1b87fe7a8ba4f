/** Which weights a command runs with: a file, or seeded ones. */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DEFAULT_SEED } from '../../src/checkpoint/seeded.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { Kind } from '../networks.ts';
import { root } from '../root.ts';
import {
  ENCODER_CHOICE,
  NETWORK_CHOICE,
  parseChoice,
  parseEncoder,
  parseKind,
  parseSeed,
  parseSide,
  SIDE_CHOICE,
  UsageError,
} from './options.ts';
import { checkInput, isFolder } from './write.ts';

/** What weights a command of this project has where none are named, as its help says it. */
export const STANDARD_WEIGHTS = 'weights/facexformer.safetensors, else seeded';

export type ChosenWeights = { file: string; name: string } | { seed: number; form: Kind; backbone: string };

/** Where trained weights are looked for when `--weights` is not given. */
export const TRAINED = join(root, 'weights', 'facexformer.safetensors');

/** @param kind what `--network`, `--form` and `--encoder` say of seeded weights; a file's network is seen from its tensors */
export function chooseWeights(
  text: string | undefined,
  kind: { network?: string | undefined; form?: string | undefined; encoder?: string | undefined } = {},
): ChosenWeights {
  const isSaid = kind.form !== undefined || kind.encoder !== undefined;
  const seeded = (seed: number): ChosenWeights => ({
    seed,
    form: parseKind(kind),
    backbone: parseEncoder(kind.encoder),
  });
  const match = /^seeded(?::(.*))?$/.exec(text ?? '');
  if (match) return seeded(match[1] === undefined ? DEFAULT_SEED : parseSeed(match[1]));
  if (text === undefined && (isSaid || kind.network === 'segface' || !existsSync(TRAINED))) return seeded(DEFAULT_SEED);
  if (isSaid || (text !== undefined && kind.network !== undefined))
    throw new UsageError('--network, --form and --encoder are for seeded weights; a file determines its own.');
  const file = text ?? TRAINED;
  if (!existsSync(file) || isFolder(file))
    throw new FaceXFormerError(
      'WEIGHTS_UNREACHABLE',
      `${isFolder(file) ? `${file} is a directory` : `There is no file ${file}`}. Give a safetensors file, or --weights seeded; the command fetch gets the trained ones.`,
    );
  checkInput(file);
  return { file, name: basename(file) };
}

/** Options that say which network an engine has, and in what it computes. */
export const ENGINE_OPTIONS = {
  weights: { type: 'string' },
  form: { type: 'string' },
  network: { type: 'string' },
  encoder: { type: 'string' },
  side: { type: 'string' },
  dtype: { type: 'string' },
} as const;

/** What says which network an engine has. */
export const NETWORK_LINES = `--form released|paper      the form of seeded weights (default: released)
  ${NETWORK_CHOICE}
                             the network of seeded weights (default: facexformer); a file's is seen from its tensors
  ${ENCODER_CHOICE}
                             the encoder of seeded weights (default: swin_b)
  ${SIDE_CHOICE}                   of the square that a face is resized to: a multiple of 32 from 224 to 512 (default: 224, SegFace's 512)`;

/** @param standard what `--weights` is where it is not given; without it, it must be given */
export const engineLines = (
  standard?: string,
): string => `  --weights FILE|seeded[:N]  a safetensors file, as the command fetch makes one, or untrained weights from a seed${
  standard === undefined
    ? ''
    : `
                             (default: ${standard})`
}
  ${NETWORK_LINES}
  --dtype auto|f32|f16       in what the engine computes; f16 needs a GPU with shader-f16 (default: auto)`;

const DTYPES = ['auto', 'f32', 'f16'] as const;

export interface ChosenEngine {
  readonly weights: ChosenWeights;
  readonly side: number | undefined;
  readonly dtype: (typeof DTYPES)[number];
}

/** @throws UsageError, FaceXFormerError WEIGHTS_UNREACHABLE */
export function chooseEngine(values: { [Name in keyof typeof ENGINE_OPTIONS]?: string | undefined }, standard?: string): ChosenEngine {
  if (values.weights === undefined && standard === undefined)
    throw new UsageError('Which weights? --weights FILE, which fetch makes, or --weights seeded for untrained ones.');
  const dtype = parseChoice('--dtype', values.dtype ?? 'auto', DTYPES);
  return { weights: chooseWeights(values.weights, values), side: parseSide(values.side), dtype };
}

/** The files that are read for the weights. */
export const filesOf = (weights: ChosenWeights): string[] => ('file' in weights ? [weights.file] : []);

/** One line about the weights; with what to do where they are untrained. */
export function weightsLine(weights: ChosenWeights | { seed: number }, advice = 'the command fetch gets trained ones'): string {
  if ('file' in weights) return `Weights: ${weights.file}`;
  return `Weights: seeded ${weights.seed}, UNTRAINED, so the answers mean nothing; ${advice}`;
}
