/** The backbones that there are, a line each. */
import type { TensorInfo } from '../../checkpoint/checkpoint.ts';
import { FaceXFormerError } from '../../gpu/errors.ts';
import type { Backbone } from './backbone.ts';
import { swin } from './swin.ts';

export const BACKBONES: readonly Backbone[] = [swin];

/** @throws FaceXFormerError WRONG_WEIGHTS where the tensors are none of theirs */
export function backboneOf(tensors: ReadonlyMap<string, TensorInfo>, known: readonly Backbone[] = BACKBONES): Backbone {
  const found = known.find((backbone) => backbone.recognises(tensors));
  if (found) return found;
  const names = known.map(({ name }) => name).join(', ');
  throw new FaceXFormerError('WRONG_WEIGHTS', `These weights have a backbone that is not known; those that are: ${names}.`);
}
