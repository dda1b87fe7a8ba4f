/** The order that two 2x2 upscalings leave: position, then quarter, then quarter of the quarter. */

/** Rows in nested 2x2 order to planes of plain pixels. */
export function unnested(values: Float32Array, side: number, channels: number): Float32Array {
  const out = new Float32Array(values.length);
  const wide = 4 * side;
  for (let y = 0; y < wide; y++)
    for (let x = 0; x < wide; x++) {
      const outer = ((y >> 1) & 1) * 2 + ((x >> 1) & 1);
      const row = (((y >> 2) * side + (x >> 2)) * 4 + outer) * 4 + (y & 1) * 2 + (x & 1);
      for (let c = 0; c < channels; c++) out[(c * wide + y) * wide + x] = values[row * channels + c] as number;
    }
  return out;
}
