// y = SCALE x^T as a product's weight: rows that the network itself made, in the layout of packWeight.
//
// x [images * COLS, INNER], y [images][COLS/64][INNER][64]; columns beyond COLS are zero.
alias elem = f32;
alias weight = f32;

const THREADS = 64u;

override COLS: u32;
override INNER: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<weight>;

@compute @workgroup_size(THREADS)
fn packRows(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) column: u32) {
  let n = group.x / INNER * 64u + column;
  let k = group.x % INNER;
  let v = SCALE * f32(x[(group.z * COLS + min(n, COLS - 1u)) * INNER + k]);
  y[(group.z * grid.x + group.x) * 64u + column] = weight(select(0.0, v, n < COLS));
}
