/** The little of the protocol buffers wire format that an ONNX file needs: varints, fixed 32-bit floats, and fields with a length before them. */

/** Anything that can stand in a message: bytes, or nested lists of them. */
export type Bytes = Uint8Array | readonly Bytes[];

const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

/** Unsigned or two's complement 64-bit integer, seven bits a byte, the lowest first. */
function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

const tag = (field: number, kind: number): Uint8Array => varint((field << 3) | kind);

/** How many bytes a message takes. */
export function byteLength(bytes: Bytes): number {
  return bytes instanceof Uint8Array ? bytes.byteLength : bytes.reduce((sum, part) => sum + byteLength(part), 0);
}

/** The message in one piece. */
export function flat(bytes: Bytes): Uint8Array {
  const out = new Uint8Array(byteLength(bytes));
  let at = 0;
  const put = (part: Bytes): void => {
    if (part instanceof Uint8Array) {
      out.set(part, at);
      at += part.byteLength;
    } else {
      part.forEach(put);
    }
  };
  put(bytes);
  return out;
}

/** An integer field. */
export const int = (field: number, value: number | bigint): Bytes => [tag(field, VARINT), varint(value)];

/** A 32-bit float field. */
export function float(field: number, value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [tag(field, FIXED32), bytes];
}

/** The opening of a field of `length` bytes, which the caller writes after it. */
export const opening = (field: number, length: number): Bytes => [tag(field, LENGTH), varint(length)];

/** A message or bytes as a field. */
export const message = (field: number, ...content: Bytes[]): Bytes => [opening(field, byteLength(content)), content];

/** A UTF-8 string field. */
export const string = (field: number, text: string): Bytes => message(field, new TextEncoder().encode(text));
