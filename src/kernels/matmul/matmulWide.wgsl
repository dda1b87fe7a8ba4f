// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for CPUs that run WebGPU.
//
// A workgroup is eight threads, as many as a vector has lanes, of 28 rows by 64 columns: a thread holds 7 rows by 8 times four columns. Every lane's
// load is a dozen instructions there, so that many columns share one, and registers spill anyway; four numbers of INNER a turn would take
// minutes to compile, and larger tiles are no longer unrolled. Sizes are what the buffers have, and no constants: one pipeline computes all
// products of a kind, since Mesa's compiler takes a second or more for each.

const ROWS = 7u; // of a thread
const QUADS = 8u;
const ACROSS = 2u; // threads
const THREADS = 8u;

var<private> INNER: u32;
var<private> COLS: u32;
var<private> X_ROW: u32; // vec4 from a row of x to the next

@compute @workgroup_size(THREADS)
fn matmulWide(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  COLS = 4u * arrayLength(&b);
  INNER = arrayLength(&w) / (16u * grid.x * grid.z);
  let rowsOfY = arrayLength(&y) / yRow();
  X_ROW = arrayLength(&x) / select(rowsOfY, 4u * rowsOfY, SIDE > 0u);
  let part = partOf(tile, grid.z, thread);
  var means = meansOf(part, thread);
  var sums = array<vec4f, SUMS>();
  for (var k = 0u; k < INNER; k++) {
    let at = ((tile.z * grid.x + tile.x) * INNER + k) * 16u + part.column;
    var columns = array<vec4f, QUADS>();
    for (var q = 0u; q < QUADS; q++) {
      columns[q] = vec4f(w[at + q]);
    }
    for (var i = 0u; i < ROWS; i++) {
      let place = source(rowOf(part, i), k / 4u);
      let v = f32(x[place.x + place.y][k % 4u]) - means[i];
      for (var q = 0u; q < QUADS; q++) {
        sums[i * QUADS + q] += v * columns[q];
      }
    }
  }
  finish(&sums, part, tile.x, thread);
}
