// y = act(sum_s x[s] + b) + pool(r) + up2(c): what is left to do of a convolution that was made in shares of its inner index (see conv.wgsl). The
// shares are added in their order: the same sums from run to run.
alias elem = f32;
alias output = f32;

const SHARES = 12u;
const ROWS = 4u;
const THREADS = 16u * ROWS; // a row of 64 channels is 16 threads

override COLS: u32;
override RELU: bool;
override RESIDUAL: u32; // 0 none, 1 r, 2 the 2x2 maxima of r
override COARSE: bool;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> r: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read> c: array<vec4<elem>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<output>>;

@compute @workgroup_size(THREADS)
fn sumConvShares(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let map = mapOf(group.z, grid.z);
  let row = group.y * ROWS + thread / 16u;
  let column = group.x * 16u + thread % 16u;
  let quads = COLS / 4u;
  let share = grid.z * map.rows * quads;
  let at = (map.image * map.rows + min(row, map.rows - 1u)) * quads + min(column, quads - 1u);
  var parts = array<vec4f, SHARES>();
  for (var i = 0u; i < SHARES; i++) { // unroll: all loads are on their way before the first is needed
    parts[i] = x[i * share + at];
  }
  var sum = vec4f();
  for (var i = 0u; i < SHARES; i++) { // unroll
    sum += parts[i];
  }
  store(map, row, column, sum);
}
