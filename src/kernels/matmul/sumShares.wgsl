// y[r, n] = act(sum_s x[s, r, n] + b[n]) + r[r mod its rows, n]: what is left to do of a product that was made in shares of its inner dimension,
// with the statistics of y's rows where y is a stream (see matmul.wgsl). The shares are added in their order: the same sums from run to run.
alias added = f32;
alias output = f32;

const SHARES = 16u;
const ROWS = 4u;
const THREADS = 16u * ROWS; // a row of 64 columns is 16 threads

override COLS: u32;
override ACTIVATION: u32; // 0 none, 1 GELU, 2 ReLU, 3 hard swish, 4 ReLU when r is added
override RESIDUAL: u32; // 0 none, 1 r, 2 r again and again
override STREAM: bool; // y, and r where it is added, are streams

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> r: array<vec4<added>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<output>>;

var<workgroup> slots: array<array<vec2f, 16>, ROWS>; // (mean, M2) of each vec4 of y

@compute @workgroup_size(THREADS)
fn sumShares(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_index) thread: u32) {
  let last = arrayLength(&y) / yRow() - 1u;
  let own = min(thread / 16u, ROWS - 1u);
  let row = tile.y * ROWS + own;
  let column = tile.x * 16u + thread % 16u;
  let share = (last + 1u) * (COLS / 4u);
  let at = min(row, last) * (COLS / 4u) + min(column, COLS / 4u - 1u);
  var parts = array<vec4f, SHARES>();
  for (var s = 0u; s < SHARES; s++) { // unroll: all loads are on their way before the first is needed
    parts[s] = x[s * share + at];
  }
  var sum = vec4f();
  for (var s = 0u; s < SHARES; s++) { // unroll
    sum += parts[s];
  }
  let stored = store(row, last, column, sum);
  if (!STREAM) {
    return;
  }
  slots[own][thread % 16u] = momentsOfQuad(stored);
  workgroupBarrier();
  if (thread % 16u == 0u && row <= last) {
    var both = vec2f();
    for (var j = 0u; j < 16u; j++) {
      both += slots[own][j];
    }
    let mean = both.x / 16.0;
    for (var j = 0u; j < 16u; j++) {
      let d = slots[own][j].x - mean;
      both.y += 4.0 * d * d;
    }
    y[row * yRow() + COLS / 4u + tile.x] = vec4<output>(vec4f(mean, both.y, 0.0, 0.0));
  }
}
