// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for GPUs of phones.
//
// There workgroup memory is ordinary memory, and its traffic is what a kernel waits for: a thread holds ROWS rows by four columns in registers
// and reads both operands from storage. Few enough registers that the compilers for Adreno, Mali and Intel spill none.

const ROWS = 7u; // of a thread
const QUADS = 1u;
const ACROSS = 16u; // threads
const THREADS = 64u;

// Adds to the sums what the thread's rows have at one pixel, of which a row is one, or four. Where a pixel begins is found once.
fn multiply(part: Part, weights: u32, pixel: u32, means: ptr<function, array<f32, ROWS>>, sums: ptr<function, array<vec4f, SUMS>>) {
  var places = array<u32, ROWS>();
  for (var i = 0u; i < ROWS; i++) {
    places[i] = source(rowOf(part, i), pixel * (INNER / 16u)).x;
  }
  let first = (weights * 4u + pixel) * INNER * 4u + part.column; // of w
  for (var quad = 0u; quad < INNER / 4u / (1u + 3u * min(SIDE, 1u)); quad++) { // other loops are counted by Chrome, in two registers more
    let at = first + quad * 64u;
    var columns = array<vec4f, 4>();
    for (var i = 0u; i < 4u; i++) {
      columns[i] = vec4f(w[at + i * 16u]);
    }
    for (var i = 0u; i < ROWS; i++) {
      let v = vec4f(x[places[i]]) - means[i];
      places[i]++;
      sums[i] += v.x * columns[0] + v.y * columns[1] + v.z * columns[2] + v.w * columns[3];
    }
  }
}

@compute @workgroup_size(THREADS)
fn matmulRegisters(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let part = partOf(tile, grid.z, thread);
  let weights = tile.z * grid.x + tile.x; // whose columns the tile has
  var means = meansOf(part, thread);
  var sums = array<vec4f, SUMS>();
  if (SIDE == 0u) {
    multiply(part, weights, 0u, &means, &sums);
  } else {
    for (var pixel = 0u; pixel < 4u; pixel++) { // nounroll
      multiply(part, weights, pixel, &means, &sums);
    }
  }
  finish(&sums, part, tile.x, thread);
}
