// A product's sizes as its buffers have them: one pipeline computes all products of a kind, where a compiler takes seconds for each.
var<private> INNER: u32;
var<private> COLS: u32;
var<private> X_ROW: u32; // vec4 from a row of x to the next

fn takeSizes(grid: vec3u) {
  COLS = 4u * arrayLength(&b);
  INNER = arrayLength(&w) / (16u * grid.x * grid.z);
  let rows = arrayLength(&y) / yRow();
  X_ROW = arrayLength(&x) / select(rows, 4u * rows, SIDE > 0u);
}
