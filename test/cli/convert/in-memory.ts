/** A checkpoint's bytes without a file. */
import { inside, type RandomAccess } from '../../../cli/convert/source.ts';

export function inMemory(bytes: Uint8Array, name = 'bytes'): RandomAccess {
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      inside(this, offset, length);
      return bytes.slice(offset, offset + length);
    },
    async close() {},
  };
}
