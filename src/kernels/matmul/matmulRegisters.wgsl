// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for GPUs of phones.
//
// There workgroup memory is ordinary memory, and its traffic is what a kernel waits for: a thread holds ROWS rows by four columns in registers
// and reads both operands from storage. Few enough registers that the compilers for Adreno, Mali and Intel spill none.

const ROWS = 7u; // of a thread
const QUADS = 1u;
const ACROSS = 16u; // threads
const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn matmulRegisters(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let part = partOf(tile, grid.z, thread);
  let tileOfW = 4u * (tile.z * grid.x + tile.x);
  var means = meansOf(part, thread);
  var sums = array<vec4f, SUMS>();
  for (var pixel = 0u; pixel < 4u; pixel++) { // nounroll
    var places = array<u32, ROWS>();
    for (var i = 0u; i < ROWS; i++) {
      places[i] = source(rowOf(part, i), pixel * (INNER / 16u)).x;
    }
    let first = (tileOfW + pixel) * INNER * 4u + part.column; // of w
    for (var quad = 0u; quad < INNER / 4u / (1u + 3u * min(SIDE, 1u)); quad++) { // other loops are counted by Chrome, in two registers more
      let columns = columnsAt(first + quad * 64u);
      for (var i = 0u; i < ROWS; i++) {
        sums[i] = plusProduct(sums[i], columns, vec4f(x[places[i]]) - means[i]);
        places[i]++;
      }
    }
    if (SIDE == 0u) {
      break; // a row is one pixel, and not four
    }
  }
  finish(&sums, part, tile.x, thread);
}
