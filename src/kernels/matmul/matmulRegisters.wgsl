// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for GPUs of phones.
//
// There workgroup memory is ordinary memory, and its traffic is what a kernel waits for: a thread holds ROWS rows by four columns in registers
// and reads both operands from storage. Few enough registers that the compilers for Adreno and Mali spill none.

const ROWS = 7u; // of a thread
const QUADS = 1u;
const ACROSS = 16u; // threads
const THREADS = 64u;
const TILE_ROWS = THREADS / ACROSS * ROWS;

@compute @workgroup_size(THREADS)
fn matmulRegisters(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let part = partOf(tile, grid.z, thread);
  var means = meansOf(part, thread);
  var sums = array<vec4f, SUMS>();
  for (var k = 0u; k < INNER; k += 4u) {
    let at = ((tile.z * grid.x + tile.x) * INNER + k) * 16u + part.column;
    var columns = array<vec4f, 4>();
    for (var i = 0u; i < 4u; i++) {
      columns[i] = vec4f(w[at + i * 16u]);
    }
    for (var i = 0u; i < ROWS; i++) {
      let place = source(min(part.first + part.rows + i, part.last), k / 4u);
      let v = vec4f(x[place.x + place.y]) - means[i];
      sums[i] += v.x * columns[0] + v.y * columns[1] + v.z * columns[2] + v.w * columns[3];
    }
  }
  finish(&sums, part, tile.x, thread);
}
