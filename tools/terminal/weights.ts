/** Which weights a command runs with: a file, or seeded ones. */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DEFAULT_SEED } from '../../src/checkpoint/seeded.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { Kind } from '../networks.ts';
import { root } from '../root.ts';
import { parseEncoder, parseKind, parseSeed, UsageError } from './options.ts';
import { checkInput, isFolder } from './write.ts';

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

/** The files that are read for the weights. */
export const filesOf = (weights: ChosenWeights): string[] => ('file' in weights ? [weights.file] : []);

/** One line about the weights; with what to do where they are untrained. */
export function weightsLine(weights: ChosenWeights | { seed: number }, advice = 'the command fetch gets trained ones'): string {
  if ('file' in weights) return `Weights: ${weights.file}`;
  return `Weights: seeded ${weights.seed}, UNTRAINED, so the answers mean nothing; ${advice}`;
}
