// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, by subgroups that are workgroups: parts/subgroup.wgsl. They add up
// a row's statistics without a barrier.
//
// Sizes are what the buffers have, and no constants: one pipeline computes all products of a kind, since a CPU takes long to compile each.
// The side of a map is none of them: who tries a kernel gives it the first rows alone.
enable subgroups;

var<private> INNER: u32;
var<private> COLS: u32;
var<private> X_ROW: u32; // vec4 from a pixel of x to the next

@compute @workgroup_size(LANES)
fn matmulSubgroup(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // What a subgroup's control flow hangs on is made of these, and not of private variables: WGSL has to see that all lanes agree.
  let inner = arrayLength(&w) / (16u * grid.x * grid.z);
  let quads = arrayLength(&b);
  let rows = arrayLength(&y) / (quads + select(0u, quads / 16u, STREAM));
  let rowsOfZ = rows / grid.z; // of images with a weight each, which then are the grid's z
  let first = tile.z * rowsOfZ + tile.y * ROWS;
  let last = (tile.z + 1u) * rowsOfZ - 1u;
  INNER = inner;
  COLS = 4u * quads;
  X_ROW = arrayLength(&x) / select(rows, 4u * rows, SIDE > 0u);
  var moments = array<vec2f, EACH>();
  for (var i = 0u; i < EACH; i++) {
    moments[i] = vec2f(0.0, 1.0);
    if (NORM) {
      moments[i] = momentsOf(min(first + i * LANES + lane, last));
    }
  }
  var statistics = array<vec2f, ROWS>(); // of the columns so far
  for (var turn = 0u; turn < TURNS; turn++) { // nounroll
    let column = turn * LANES * QUADS + lane;
    var sums = array<vec4f, SUMS>();
    for (var pixel = 0u; pixel < select(1u, 4u, SIDE > 0u); pixel++) { // nounroll
      var places = array<u32, EACH>();
      for (var i = 0u; i < EACH; i++) {
        places[i] = source(min(first + i * LANES + lane, last), pixel * (inner / 16u)).x;
      }
      let firstOfW = ((tile.z * grid.x + tile.x) * 4u + pixel) * inner * 4u + column;
      for (var quad = 0u; quad < inner / select(4u, 16u, SIDE > 0u); quad++) {
        var values = array<vec4f, EACH>();
        for (var i = 0u; i < EACH; i++) { // unroll
          values[i] = vec4f(x[places[i] + quad]) - moments[i].x;
        }
        addProduct(&sums, values, firstOfW + quad * 64u);
      }
    }
    // As many times as there are rows, which no compiler knows: every store that is written out takes long to compile.
    for (var i = 0u; i < min(ROWS, last + 1u - first); i++) {
      let scale = subgroupShuffle(moments[i / LANES].y, i % LANES);
      var mean = 0.0;
      for (var q = 0u; q < QUADS; q++) {
        let v = store(first + i, last, tile.x * 16u + column + q * LANES, scale * sums[i * QUADS + q]);
        sums[i * QUADS + q] = v;
        mean += dot(v, vec4f(0.25 / f32(LANES * QUADS)));
      }
      if (STREAM) {
        mean = subgroupAdd(mean);
        var squares = 0.0;
        for (var q = 0u; q < QUADS; q++) {
          let d = sums[i * QUADS + q] - mean;
          squares += dot(d, d);
        }
        let d = mean - statistics[i].x;
        let n = f32(turn + 1u);
        statistics[i] += vec2f(d / n, subgroupAdd(squares) + d * d * f32(4u * LANES * QUADS * turn) / n);
        if (lane == 0u) {
          y[(first + i) * yRow() + COLS / 4u + tile.x] = vec4<output>(vec4f(statistics[i], 0.0, 0.0));
        }
      }
    }
  }
}
