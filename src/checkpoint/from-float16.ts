/** float16 to float32 on the CPU: for files that hold float16, and for what is read back of a network that does. */

/** The values of float16 bits: exact. */
export function fromFloat16(halves: Uint16Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const table = float16Table();
  for (let i = 0; i < bits.length; i++) bits[i] = table[halves[i] as number] as number;
}

/** The same in an array of its own. */
export function float32Of(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  fromFloat16(halves, values);
  return values;
}

let float16Bits: Uint32Array | undefined;

/** The float32 bits of every float16, by its bits. */
function float16Table(): Uint32Array {
  if (float16Bits) return float16Bits;
  const value = new Float32Array(65536);
  const table = new Uint32Array(value.buffer);
  for (let h = 0; h < 65536; h++) {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 31) table[h] = ((h & 0x8000) << 16) | 0x7f800000 | (fraction << 13);
    else value[h] = exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  float16Bits = table;
  return table;
}
