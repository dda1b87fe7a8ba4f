// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for CPUs that run WebGPU.
//
// A workgroup is eight threads, as many as a vector has lanes, of 28 rows by 64 columns: a thread holds 7 rows by 8 times four columns. Every lane's
// load is a dozen instructions there, so that many columns share one, and registers spill anyway; four numbers of INNER a turn would take
// minutes to compile, and larger tiles are no longer unrolled. Sizes are what the buffers have, and no constants: one pipeline computes all
// products of a kind, since Mesa's compiler takes a second or more for each.

alias input = f32;
alias weight = f32;
alias added = f32;
alias output = f32;

const ROWS = 7u; // of a thread
const QUADS = 8u;
const ACROSS = 2u; // threads
const THREADS = 8u;
const TILE_ROWS = THREADS / ACROSS * ROWS;

override SIDE: u32; // not 0: a row is 2x2 neighbours in a map of that side, in the order (0,0), (1,0), (0,1), (1,1)
override NORM: bool;
override EPS: f32;
override ACTIVATION: u32; // 0 none, 1 GELU, 2 ReLU, 3 hard swish, 4 ReLU when r is added
override RESIDUAL: u32; // 0 none, 1 r, 2 r again and again
override STREAM: bool; // y, and r where it is added, are streams

@group(0) @binding(0) var<storage, read> x: array<vec4<input>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> r: array<vec4<added>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<output>>;

var<private> INNER: u32;
var<private> COLS: u32;
var<private> X_ROW: u32; // vec4 from a row of x to the next
var<workgroup> moments: array<vec2f, TILE_ROWS>; // of rows: mean, 1 / deviation
var<workgroup> parts: array<vec2f, TILE_ROWS * 16u>; // mean and sum of squared differences of each vec4 of y

@compute @workgroup_size(THREADS)
fn matmulWide(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  COLS = 4u * arrayLength(&b);
  INNER = arrayLength(&w) / (16u * grid.x * grid.z);
  let rowsOfY = arrayLength(&y) / yRow();
  X_ROW = arrayLength(&x) / select(rowsOfY, 4u * rowsOfY, SIDE > 0u);
  let rowsOfZ = rowsOfY / grid.z; // of images with a weight each, which then are the grid's z
  let row0 = tile.z * rowsOfZ + tile.y * TILE_ROWS;
  let last = (tile.z + 1u) * rowsOfZ - 1u;
  let column = thread % ACROSS * QUADS;
  let rows = thread / ACROSS * ROWS;
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
  for (var k = 0u; k < INNER; k++) {
    let at = ((tile.z * grid.x + tile.x) * INNER + k) * 16u + column;
    var columns = array<vec4f, QUADS>();
    for (var q = 0u; q < QUADS; q++) {
      columns[q] = vec4f(w[at + q]);
    }
    for (var i = 0u; i < ROWS; i++) {
      let place = source(min(row0 + rows + i, last), k / 4u);
      let v = f32(x[place.x + place.y][k % 4u]) - means[i];
      for (var q = 0u; q < QUADS; q++) {
        a[i * QUADS + q] += v * columns[q];
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
