// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for subgroups of exactly four.
//
// A thread holds 28 rows by 16 columns and reads both operands straight from storage. The four lanes work on the same rows, so
// each loads one of four values of x and all hear it: on CPUs that run WebGPU (SwiftShader's subgroups are four) a load costs as
// much as several multiply-adds, and a 4x4 block times a vector stays in registers. A workgroup is one subgroup, which adds up a
// row's statistics without a barrier. Sizes are the lengths of the bindings, so that few pipelines serve the whole network: a CPU takes
// most of a second to compile one. The side of a map is none of them: who tries a kernel gives it the first rows alone.
enable subgroups;

const ROWS = 28u;
const QUADS = 4u; // of columns, of a thread
const THREADS = 4u;
const SUMS = ROWS * QUADS;

var<private> INNER: u32;
var<private> COLS: u32;
var<private> X_ROW: u32; // vec4 from a pixel of x to the next

@compute @workgroup_size(THREADS)
fn matmulSubgroup(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) column: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  COLS = 4u * arrayLength(&b);
  let rows = arrayLength(&y) / yRow();
  let rowsOfZ = rows / grid.z; // of an image that has a weight of its own
  let inner = arrayLength(&w) / (16u * grid.x * grid.z);
  INNER = inner;
  X_ROW = arrayLength(&x) / select(rows, 4u * rows, SIDE > 0u);
  let last = (tile.z + 1u) * rowsOfZ - 1u; // row of y that a workgroup of this z must not go beyond
  let row = tile.z * rowsOfZ + tile.y * ROWS;
  let tileW = (tile.z * grid.x + tile.x) * inner * 16u + column;
  var means = array<vec4f, 7>();
  var scales = array<vec4f, 7>();
  if (NORM) {
    for (var i = 0u; i < 7u; i++) {
      let moments = momentsOf(min(row + i * 4u + lane, last));
      means[i] = four(moments.x);
      scales[i] = four(moments.y);
    }
  }
  var sums = array<vec4f, SUMS>();
  let quads = inner / select(4u, 16u, SIDE > 0u); // of a pixel
  for (var pixel = 0u; pixel < select(1u, 4u, SIDE > 0u); pixel++) {
    var places = array<u32, ROWS>();
    for (var i = 0u; i < ROWS; i++) {
      places[i] = source(min(row + i, last), pixel * quads).x;
    }
    for (var quad = 0u; quad < quads; quad++) {
      let at = tileW + (pixel * quads + quad) * 64u;
      let wa = columnsAt(at);
      let wb = columnsAt(at + 4u);
      let wc = columnsAt(at + 8u);
      let wd = columnsAt(at + 12u);
      for (var i = 0u; i < ROWS; i++) { // unroll
        let v = four(f32(x[places[i] + quad][lane]) - means[i / 4u][i % 4u]);
        sums[i * QUADS] += wa * v;
        sums[i * QUADS + 1u] += wb * v;
        sums[i * QUADS + 2u] += wc * v;
        sums[i * QUADS + 3u] += wd * v;
      }
    }
  }
  // A loop, not 112 calls: every call is inlined, and half of the compile time went there.
  for (var i = 0u; i < ROWS; i++) {
    let scale = select(1.0, scales[i / 4u][i % 4u], NORM);
    for (var q = 0u; q < QUADS; q++) {
      sums[i * QUADS + q] = store(row + i, last, tile.x * 16u + column + q * 4u, scale * sums[i * QUADS + q]);
    }
    if (STREAM) {
      let v = mat4x4f(sums[i * QUADS], sums[i * QUADS + 1u], sums[i * QUADS + 2u], sums[i * QUADS + 3u]);
      let mean = subgroupAdd(dot(v[0] + v[1] + v[2] + v[3], vec4f(1.0 / 64.0)));
      let d = v - mat4x4f(vec4f(mean), vec4f(mean), vec4f(mean), vec4f(mean));
      let squares = subgroupAdd(dot(d[0], d[0]) + dot(d[1], d[1]) + dot(d[2], d[2]) + dot(d[3], d[3]));
      if (lane == 0u && row + i <= last) {
        y[(row + i) * yRow() + COLS / 4u + tile.x] = vec4<output>(vec4f(mean, squares, 0.0, 0.0));
      }
    }
  }
}
