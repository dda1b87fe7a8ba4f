// y = SCALE x^T as a product's weight: rows that the network itself made, in the layout of packWeight.
//
// x [COLS, INNER], y [COLS/64][INNER][64]; columns beyond COLS are zero.
const THREADS = 64u;

override COLS: u32;
override INNER: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(THREADS)
fn packRows(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) column: u32) {
  let n = group.x / INNER * 64u + column;
  let k = group.x % INNER;
  y[group.x * 64u + column] = select(0.0, x[min(n, COLS - 1u) * INNER + k] * SCALE, n < COLS);
}
