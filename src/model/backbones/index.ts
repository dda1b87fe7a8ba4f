/** The backbones that there are, a line each. */
import { badOption, wrongWeights } from '../../gpu/errors.ts';
import { shown } from '../../gpu/given.ts';
import type { Backbone } from './backbone.ts';
import { convnext } from './convnext.ts';
import { mobilenet } from './mobilenet.ts';
import { resnet } from './resnet.ts';
import { swin } from './swin.ts';

export const BACKBONES: readonly Backbone[] = [swin, convnext, resnet, mobilenet];

/** Their names, Swin-B's first: that of the public weights. */
export const ENCODERS: readonly string[] = BACKBONES.map(({ name }) => name);

/** @throws FaceXFormerError WRONG_WEIGHTS where the tensors are none of theirs */
export function backboneOf(tensors: ReadonlyMap<string, unknown>, known: readonly Backbone[] = BACKBONES): Backbone {
  const found = known.find((backbone) => backbone.recognises(tensors));
  if (found) return found;
  throw wrongWeights(`These weights have a backbone that is not known; those that are: ${namesOf(known)}.`);
}

/** @throws FaceXFormerError BAD_OPTION where none of them has the name */
export function backboneNamed(name: string, known: readonly Backbone[] = BACKBONES): Backbone {
  const found = known.find((backbone) => backbone.name === name);
  if (found) return found;
  throw badOption(`\`backbone\` is ${shown(name)}; it must be one of ${namesOf(known)}.`);
}

const namesOf = (known: readonly Backbone[]): string => known.map(({ name }) => name).join(', ');
