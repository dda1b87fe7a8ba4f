/** The forms of the model, and which of them some weights are of. */
import type { TensorInfo } from '../checkpoint/checkpoint.ts';
import { quote } from '../checkpoint/header-json.ts';
import { type FaceXFormerError, wrongWeights } from '../gpu/errors.ts';

/** `released`: the public code and checkpoint, eight tasks. `paper`: the ten tasks of the paper. */
export type Form = 'released' | 'paper';

export const FORMS: readonly Form[] = ['released', 'paper'];

/** The form that a checkpoint holds, by a name that only this form has. @throws FaceXFormerError WRONG_WEIGHTS if neither. */
export function formOf(found: ReadonlyMap<string, TensorInfo>): Form {
  if (found.has('face_decoder.landmarks_token.weight')) return 'released';
  if (found.has('face_decoder.landmarks_tokens.weight')) return 'paper';
  throw foreign(found, "FaceXFormer's", "none of the landmarks' tokens (face_decoder.landmarks_token*.weight)");
}

/** That tensors are another network's, by what they have and have not. */
export function foreign(found: ReadonlyMap<string, TensorInfo>, whose: string, lacks: string): FaceXFormerError {
  const [first] = found.keys();
  const holds = first === undefined ? 'no tensor at all' : `${found.size} tensors, the first of them ${quote(first)}`;
  return wrongWeights(`These weights are not ${whose}: the file holds ${holds}, and ${lacks}.`);
}
