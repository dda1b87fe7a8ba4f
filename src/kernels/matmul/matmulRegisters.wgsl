// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for GPUs of phones.
//
// There workgroup memory is ordinary memory, and its traffic is what a kernel waits for: a thread holds ROWS rows by QUADS times four
// columns in registers and reads both operands from storage. Few enough registers that the compilers for Adreno and Mali spill none.

const GROUPS = 4u; // of rows
const ROWS = 7u;
const QUADS = 1u;
const STEP = 4u; // of INNER a turn: 4 or 1
const FETCHED = STEP * QUADS; // vec4 of weights that a thread reads a turn
const NEXT = STEP / 4u * QUADS; // from one row of them to the next; none where there is one row, so that no index leaves them
const TILE_ROWS = GROUPS * ROWS;
const ACROSS = 16u / QUADS; // threads
const THREADS = ACROSS * GROUPS;

var<workgroup> moments: array<vec2f, TILE_ROWS>; // of rows: mean, 1 / deviation
var<workgroup> parts: array<vec2f, TILE_ROWS * 16u>; // mean and sum of squared differences of each vec4 of y

@compute @workgroup_size(THREADS)
fn matmulRegisters(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let rowsOfZ = arrayLength(&y) / yRow() / grid.z; // of images with a weight each, which then are the grid's z
  let row0 = tile.z * rowsOfZ + tile.y * TILE_ROWS;
  let last = (tile.z + 1u) * rowsOfZ - 1u;
  let column = thread % ACROSS * QUADS;
  let rows = thread / ACROSS % GROUPS * ROWS;
  if (NORM) {
    for (var i = thread; i < TILE_ROWS; i += THREADS) {
      moments[i] = momentsOf(min(row0 + i, last));
    }
    workgroupBarrier();
  }
  var means = array<f32, ROWS>();
  if (NORM) {
    for (var i = 0u; i < ROWS; i++) {
      means[i] = moments[rows + i].x;
    }
  }
  var a = array<vec4f, ROWS * QUADS>();
  for (var k = 0u; k < INNER; k += STEP) {
    let at = ((tile.z * grid.x + tile.x) * INNER + k) * 16u + column;
    var columns = array<vec4f, FETCHED>();
    for (var i = 0u; i < FETCHED; i++) {
      columns[i] = vec4f(w[at + i / QUADS * 16u + i % QUADS]);
    }
    for (var i = 0u; i < ROWS; i++) {
      let place = source(min(row0 + rows + i, last), k / 4u);
      if (STEP == 1u) {
        let v = f32(x[place.x + place.y][k % 4u]) - means[i];
        for (var q = 0u; q < QUADS; q++) {
          a[i * QUADS + q] += v * columns[q];
        }
      } else {
        let v = vec4f(x[place.x + place.y]) - means[i];
        for (var q = 0u; q < QUADS; q++) {
          a[i * QUADS + q] += v.x * columns[q] + v.y * columns[NEXT + q] + v.z * columns[2u * NEXT + q] + v.w * columns[3u * NEXT + q];
        }
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    let scale = select(1.0, moments[rows + i].y, NORM);
    for (var q = 0u; q < QUADS; q++) {
      let v = store(row0 + rows + i, last, tile.x * 16u + column + q, scale * a[i * QUADS + q]);
      if (STREAM) {
        parts[(rows + i) * 16u + column + q] = momentsOfQuad(v);
      }
    }
  }
  workgroupBarrier();
  if (!STREAM) {
    return;
  }
  for (var i = thread; i < min(TILE_ROWS, last + 1u - row0); i += THREADS) {
    var sum = vec2f();
    for (var j = 0u; j < 16u; j++) {
      sum += parts[i * 16u + j];
    }
    let mean = sum.x / 16.0;
    for (var j = 0u; j < 16u; j++) {
      let d = parts[i * 16u + j].x - mean;
      sum.y += 4.0 * d * d;
    }
    y[(row0 + i) * yRow() + COLS / 4u + tile.x] = vec4<output>(vec4f(mean, sum.y, 0.0, 0.0));
  }
}
