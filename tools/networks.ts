/** The networks that commands and pages know, by what their weights hold: FaceXFormer in its two forms, and SegFace. */
import type { TensorInfo, TensorList } from '../src/checkpoint/checkpoint.ts';
import { Engine } from '../src/engine/engine.ts';
import { checkSide, type LoadOptions } from '../src/engine/options.ts';
import { loadLasting } from '../src/engine/recovery.ts';
import { type Config, readConfig, tensorsOf } from '../src/face/config.ts';
import { FORMS, type Form } from '../src/face/forms.ts';
import { isSegFace, segFaceConfig, segFaceTensors } from '../src/segface/config.ts';

/** A form of FaceXFormer, or SegFace, which has one. */
export type Kind = Form | 'segface';

export const KINDS: readonly Kind[] = [...FORMS, 'segface'];

/** The configuration of some weights' tensors, whichever network they are of. @throws FaceXFormerError WRONG_WEIGHTS, BAD_OPTION */
export function configOf(tensors: ReadonlyMap<string, TensorInfo>, side?: number): Config {
  checkSide(side);
  return isSegFace(tensors) ? segFaceConfig(tensors, side) : readConfig(tensors, side);
}

export const kindOf = ({ form }: Config): Kind => form ?? 'segface';

/** An engine of whichever network the weights are of, and which one that is. @throws FaceXFormerError as `FaceXFormer.load` */
export async function openEngine(options: LoadOptions): Promise<{ engine: Engine; kind: Kind }> {
  const loaded = await loadLasting(options, configOf);
  return { engine: new Engine(loaded), kind: kindOf(loaded.now.config) };
}

/** The kind as a person reads it. */
export const titleOf = (kind: Kind): string => (kind === 'segface' ? 'SegFace' : `${kind} form`);

/** The tensors of a kind by name, of the encoder and the hourglass that are chosen. */
export function tensorsOfKind(kind: Kind, choice: Parameters<typeof tensorsOf>[1] = {}): TensorList {
  const { backbone, hourglass } = choice; // choices of a command line have more
  return kind === 'segface' ? segFaceTensors(backbone) : tensorsOf(kind, { backbone, hourglass });
}
