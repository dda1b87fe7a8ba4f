/** Whether a checkpoint's tensors are the model's: every one there, of the right shape and type, and nothing else. */
import { FaceXFormerError } from '../gpu/errors.ts';
import type { Checkpoint, ReadOptions, TensorInfo } from './checkpoint.ts';
import { quote } from './header-json.ts';
import { type Form, isBuffer } from './tensors.ts';

/** Types from which `toFloat32` makes float32. */
const FLOATS = /^(F64|F32|B?F16)$/;

/** The form that a checkpoint holds, by a name that only this form has. @throws FaceXFormerError WRONG_WEIGHTS if neither. */
export function formOf(found: ReadonlyMap<string, TensorInfo>): Form {
  if (found.has('face_decoder.landmarks_token.weight')) return 'released';
  if (found.has('face_decoder.landmarks_tokens.weight')) return 'paper';
  const [first] = found.keys();
  const holds = first === undefined ? 'no tensor at all' : `${found.size} tensors, the first of them ${quote(first)}`;
  throw new FaceXFormerError(
    'WRONG_WEIGHTS',
    `These weights are not FaceXFormer's: the file holds ${holds}, and none of the landmarks' tokens (face_decoder.landmarks_token*.weight).`,
  );
}

/**
 * Compares a checkpoint's tensors with the model's. Floating-point tensors may be F32, F16, BF16 or F64; the int64 buffers may be
 * missing, since the architecture defines them.
 * @throws FaceXFormerError WRONG_WEIGHTS naming missing, unknown, misshapen and wrongly typed tensors
 */
export function checkTensors(found: ReadonlyMap<string, TensorInfo>, expected: ReadonlyMap<string, TensorInfo>): void {
  const missing: string[] = [];
  const misshapen: string[] = [];
  const mistyped: string[] = [];
  for (const { name, shape, dtype } of expected.values()) {
    const given = found.get(name);
    if (!given) {
      if (!isBuffer(name)) missing.push(name);
    } else if (given.shape.length !== shape.length || given.shape.some((n, i) => n !== shape[i])) {
      misshapen.push(`${name} is [${given.shape}] instead of [${shape}]`);
    } else if (dtype === 'F32' ? !FLOATS.test(given.dtype) : given.dtype !== dtype) {
      mistyped.push(`${name} is ${given.dtype} instead of ${dtype}`);
    }
  }
  const unknown = [...found.keys()].filter((name) => !expected.has(name)).map(quote);
  const faults = [list('missing', missing), list('unknown', unknown), list('misshapen', misshapen), list('of the wrong type', mistyped)];
  const text = faults.filter((fault) => fault !== '').join('; ');
  if (text) throw new FaceXFormerError('WRONG_WEIGHTS', `These weights are not the model's: ${text}.`);
}

/**
 * Checks an int64 buffer of the file against what the architecture defines; the engine then has no more use for it.
 * @throws FaceXFormerError WRONG_WEIGHTS
 */
export function checkBuffer(info: TensorInfo, data: Uint8Array): void {
  if (!info.name.endsWith('.relative_position_index')) return;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const wrong = relativePositionIndex().findIndex((value, i) => view.getBigInt64(8 * i, true) !== value);
  if (wrong >= 0)
    throw new FaceXFormerError(
      'WRONG_WEIGHTS',
      `${info.name}[${wrong}] is ${view.getBigInt64(8 * wrong, true)}: not a window of 7x7 in row order.`,
    );
}

/** The same checkpoint, whose int64 buffers are checked as they are read: see `checkBuffer`. */
export function withCheckedBuffers(checkpoint: Checkpoint): Checkpoint {
  const { source, tensors, rereadable } = checkpoint;
  async function* read(options?: ReadOptions) {
    for await (const tensor of checkpoint.read(options)) {
      checkBuffer(tensor.info, tensor.data);
      yield tensor;
    }
  }
  return { source, tensors, rereadable, read };
}

/** (yi - yj + 6) * 13 + (xi - xj + 6) for positions i, j of a 7x7 window; [49 * 49]. */
export function relativePositionIndex(): BigInt64Array {
  const place = (i: number) => 13 * Math.floor(i / 7) + (i % 7);
  return BigInt64Array.from({ length: 49 * 49 }, (_, i) => BigInt(place(Math.floor(i / 49)) - place(i % 49) + 6 * 13 + 6));
}

function list(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, 4).join(', ');
  return `${names.length} ${what} (${shown}${names.length > 4 ? ', ...' : ''})`;
}
