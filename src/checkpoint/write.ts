/** Writes a checkpoint as a safetensors file. */
import { FaceXFormerError } from '../gpu/errors.ts';
import type { Checkpoint, ReadOptions, TensorInfo } from './checkpoint.ts';
import { sound } from './sound.ts';

/**
 * The bytes of a safetensors file with the checkpoint's tensors in the checkpoint's order, in pieces: the header, then one piece a
 * tensor, each valid until the next is asked for. No `__metadata__`, on which the npm package `safetensors` 0.0.1 fails; the header
 * is padded with spaces so that the data begins at a multiple of 8.
 */
export async function* safetensorsBytes(given: Checkpoint, options?: ReadOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const checkpoint = sound(given);
  yield safetensorsHeader(checkpoint.tensors.values());
  const written = new Set<string>();
  for await (const { info, data } of checkpoint.read(options)) {
    written.add(info.name);
    yield data;
  }
  if (written.size !== checkpoint.tensors.size)
    throw new FaceXFormerError(
      'BAD_WEIGHTS_FILE',
      `${checkpoint.source} listed ${checkpoint.tensors.size} tensors and gave ${written.size}.`,
    );
}

/** Length and JSON of the header for tensors stored one after another. */
export function safetensorsHeader(tensors: Iterable<TensorInfo>): Uint8Array {
  let offset = 0;
  const entries: string[] = [];
  for (const { name, dtype, shape, bytes } of tensors) {
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, offset + bytes] })}`);
    offset += bytes;
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + padded).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(json, 8);
  return out;
}
