/** Whether a checkpoint's tensors are a model's: every one there, of the right shape and type, and nothing else. */
import { wrongWeights } from '../gpu/errors.ts';
import type { Checkpoint, DescribedTensor, ReadOptions, TensorInfo, TensorList } from './checkpoint.ts';
import { quote } from './header-json.ts';

/** Types from which `toFloat32` makes float32. */
const FLOATS = /^(F64|F32|B?F16)$/;

/**
 * Compares a checkpoint's tensors with a model's. All may be F32, F16, BF16 or F64, since who casts every tensor casts the int64 buffers too; optional
 * ones may be missing.
 * @throws FaceXFormerError WRONG_WEIGHTS naming missing, unknown, misshapen and wrongly typed tensors
 */
export function checkTensors(found: ReadonlyMap<string, TensorInfo>, expected: TensorList): void {
  const missing: string[] = [];
  const misshapen: string[] = [];
  const mistyped: string[] = [];
  for (const { name, shape, dtype, optional } of expected.values()) {
    const given = found.get(name);
    if (!given) {
      if (!optional) missing.push(name);
    } else if (given.shape.length !== shape.length || given.shape.some((n, i) => n !== shape[i])) {
      misshapen.push(`${name} is [${given.shape}] instead of [${shape}]`);
    } else if (given.dtype !== dtype && !FLOATS.test(given.dtype)) {
      mistyped.push(`${name} is ${given.dtype} instead of ${dtype}`);
    }
  }
  const unknown = [...found.keys()].filter((name) => !expected.has(name)).map(quote);
  const faults = [list('missing', missing), list('unknown', unknown), list('misshapen', misshapen), list('of the wrong type', mistyped)];
  const text = faults.filter((fault) => fault !== '').join('; ');
  if (text) throw wrongWeights(`These weights are not the model's: ${text}.`);
}

/**
 * The same checkpoint, whose int64 buffers are compared with what the model defines as they are read; those that were cast are passed over, since nobody
 * needs them, and a half is too small for some.
 * @throws FaceXFormerError WRONG_WEIGHTS, as it is read
 */
export function withCheckedBuffers(checkpoint: Checkpoint, expected: TensorList): Checkpoint {
  async function* read(options?: ReadOptions) {
    for await (const { info, data } of checkpoint.read(options)) {
      const meant = expected.get(info.name);
      if (meant?.dtype === 'I64' && info.dtype !== 'I64') continue;
      checkBuffer(meant, data);
      yield { info, data };
    }
  }
  return { ...checkpoint, read };
}

function checkBuffer({ name, values }: Partial<DescribedTensor> = {}, data: Uint8Array): void {
  if (!values) return;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const wrong = values.findIndex((value, i) => view.getBigInt64(8 * i, true) !== value);
  if (wrong < 0) return;
  const [found, defined] = [view.getBigInt64(8 * wrong, true), values[wrong]];
  throw wrongWeights(`${name}[${wrong}] is ${found}; the model defines it as ${defined}.`);
}

function list(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, 4).join(', ');
  return `${names.length} ${what} (${shown}${names.length > 4 ? ', ...' : ''})`;
}
