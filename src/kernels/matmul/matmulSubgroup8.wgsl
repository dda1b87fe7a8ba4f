// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for CPUs that run WebGPU in subgroups of exactly eight.
//
// There a lane's load is some fifty instructions, and a multiply-add of all lanes three. So each lane reads four numbers of rows of its own, and all
// hear them: a thread's sums are 28 rows by its own four columns. A workgroup is one subgroup, which adds up a row's statistics without a barrier. It
// makes its 64 columns in two turns, since what loads and multiplies for all of them is more code than a processor's first cache holds.
// Sizes are what the buffers have, and no constants: one pipeline computes all products of a kind, since Mesa's compiler takes long for each.
enable subgroups;

const ROWS = 28u;
const LANES = 8u;
const EACH = (ROWS + LANES - 1u) / LANES; // rows that a lane reads
const TURNS = 16u / LANES;

var<private> INNER: u32;
var<private> COLS: u32;
var<private> X_ROW: u32; // vec4 from a row of x to the next

@compute @workgroup_size(LANES)
fn matmulSubgroup8(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // What a subgroup's control flow hangs on is made of these, and not of private variables: WGSL has to see that all lanes agree.
  let inner = arrayLength(&w) / (16u * grid.x * grid.z);
  let quads = arrayLength(&b);
  let rowsOfY = arrayLength(&y) / (quads + select(0u, quads / 16u, STREAM));
  let rowsOfZ = rowsOfY / grid.z; // of images with a weight each, which then are the grid's z
  let first = tile.z * rowsOfZ + tile.y * ROWS;
  let last = (tile.z + 1u) * rowsOfZ - 1u;
  INNER = inner;
  COLS = 4u * quads;
  X_ROW = arrayLength(&x) / select(rowsOfY, 4u * rowsOfY, SIDE > 0u);
  var moments = array<vec2f, EACH>();
  for (var i = 0u; i < EACH; i++) {
    moments[i] = vec2f(0.0, 1.0);
    if (NORM) {
      moments[i] = momentsOf(min(first + i * LANES + lane, last));
    }
  }
  var statistics = array<vec2f, ROWS>(); // of the columns so far
  for (var turn = 0u; turn < TURNS; turn++) { // nounroll
    let column = turn * LANES + lane;
    var sums = array<vec4f, ROWS>();
    for (var pixel = 0u; pixel < select(1u, 4u, SIDE > 0u); pixel++) { // nounroll
      var places = array<u32, EACH>();
      for (var i = 0u; i < EACH; i++) {
        places[i] = source(min(first + i * LANES + lane, last), pixel * (inner / 16u)).x;
      }
      let firstOfW = ((tile.z * grid.x + tile.x) * 4u + pixel) * inner * 4u + column;
      for (var quad = 0u; quad < inner / select(4u, 16u, SIDE > 0u); quad++) {
        let columns = columnsAt(firstOfW + quad * 64u);
        var values = array<vec4f, EACH>();
        for (var i = 0u; i < EACH; i++) { // unroll
          values[i] = vec4f(x[places[i] + quad]) - moments[i].x;
        }
        for (var i = 0u; i < ROWS; i++) { // unroll
          sums[i] += columns * subgroupBroadcast(values[i / LANES], i % LANES);
        }
      }
    }
    // As many times as there are rows, which no compiler knows: every store that is written out takes long to compile.
    for (var i = 0u; i < min(ROWS, last + 1u - first); i++) {
      let scale = subgroupShuffle(moments[i / LANES].y, i % LANES);
      let v = store(first + i, last, tile.x * 16u + column, scale * sums[i]);
      if (STREAM) {
        let mean = subgroupAdd(dot(v, vec4f(0.25 / f32(LANES))));
        let d = mean - statistics[i].x;
        let n = f32(turn + 1u);
        let squares = subgroupAdd(dot(v - mean, v - mean)) + d * d * f32(4u * LANES * turn) / n;
        statistics[i] += vec2f(d / n, squares);
        if (lane == 0u) {
          y[(first + i) * yRow() + COLS / 4u + tile.x] = vec4<output>(vec4f(statistics[i], 0.0, 0.0));
        }
      }
    }
  }
}
