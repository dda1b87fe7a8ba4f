// y[r, n] = act(sum_k x[r, k] w[n, k] + b[n]) + r[r mod R_ROWS, n]
//
// x [ROWS, INNER], y [ROWS, COLS], w packed as [COLS/64][INNER][64] (the rows of one 64-column tile side by side, so that a
// tile's slice is one run of memory). Tiles on 7 rows because every map of Swin at 224 has a multiple of 49 rows; a thread
// holds 7 rows by 8 columns, fed from workgroup memory: 28 multiply-adds for every vec4 read.
alias weight = f32;

const ROW_GROUPS = 8u;
const TILE_ROWS = 7u * ROW_GROUPS;
const THREADS = 8u * ROW_GROUPS;
const TILE_K = 16u;

override ROWS: u32;
override INNER: u32;
override COLS: u32;
override ACTIVATION: u32; // 0 none, 1 GELU, 2 ReLU
override RESIDUAL: bool;
override R_ROWS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> r: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

var<workgroup> xTile: array<vec4f, TILE_ROWS * TILE_K / 4u>; // [row][k/4]
var<workgroup> wTile: array<vec4f, TILE_K * 16u>;            // [k][column/4]

// Abramowitz and Stegun 7.1.26: erf to 1.5e-7. WGSL has none, and the tanh form is off by 5e-4.
fn gelu(v: vec4f) -> vec4f {
  let z = abs(v) * 0.70710678118654752;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * exp(-z * z);
  // Past z = 5 the tail is below 1e-12: nought, so that no denormal is made, which CPUs multiply slowly.
  let far = select(tail, vec4f(), z > vec4f(5.0));
  return 0.5 * v * select(2.0 - far, far, v < vec4f());
}

fn store(row: u32, column: u32, sum: vec4f) {
  if (row >= ROWS || column * 4u >= COLS) { return; }
  var v = sum + b[column];
  if (ACTIVATION == 1u) { v = gelu(v); }
  if (ACTIVATION == 2u) { v = max(v, vec4f()); }
  if (RESIDUAL) { v += r[(row % R_ROWS) * (COLS / 4u) + column]; }
  y[row * (COLS / 4u) + column] = v;
}

@compute @workgroup_size(THREADS)
fn matmul(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row0 = tile.y * TILE_ROWS;
  let column = thread % 8u;
  let rows = thread / 8u * 7u;
  var a0 = mat2x4f(); var a1 = mat2x4f(); var a2 = mat2x4f(); var a3 = mat2x4f();
  var a4 = mat2x4f(); var a5 = mat2x4f(); var a6 = mat2x4f();
  for (var k0 = 0u; k0 < INNER; k0 += TILE_K) {
    for (var i = thread; i < TILE_ROWS * TILE_K / 4u; i += THREADS) {
      let row = min(row0 + i / (TILE_K / 4u), ROWS - 1u);
      xTile[i] = x[(row * INNER + k0) / 4u + i % (TILE_K / 4u)];
    }
    for (var i = thread; i < TILE_K * 16u; i += THREADS) {
      wTile[i] = vec4f(w[(tile.x * INNER + k0) * 16u + i]);
    }
    workgroupBarrier();
    for (var k = 0u; k < TILE_K / 4u; k++) {
      let at = k * 64u + column;
      let w0 = mat2x4f(wTile[at], wTile[at + 8u]);
      let w1 = mat2x4f(wTile[at + 16u], wTile[at + 24u]);
      let w2 = mat2x4f(wTile[at + 32u], wTile[at + 40u]);
      let w3 = mat2x4f(wTile[at + 48u], wTile[at + 56u]);
      let first = rows * (TILE_K / 4u) + k;
      let x0 = xTile[first];
      let x1 = xTile[first + 4u];
      let x2 = xTile[first + 8u];
      let x3 = xTile[first + 12u];
      let x4 = xTile[first + 16u];
      let x5 = xTile[first + 20u];
      let x6 = xTile[first + 24u];
      a0 += x0.x * w0; a0 += x0.y * w1; a0 += x0.z * w2; a0 += x0.w * w3;
      a1 += x1.x * w0; a1 += x1.y * w1; a1 += x1.z * w2; a1 += x1.w * w3;
      a2 += x2.x * w0; a2 += x2.y * w1; a2 += x2.z * w2; a2 += x2.w * w3;
      a3 += x3.x * w0; a3 += x3.y * w1; a3 += x3.z * w2; a3 += x3.w * w3;
      a4 += x4.x * w0; a4 += x4.y * w1; a4 += x4.z * w2; a4 += x4.w * w3;
      a5 += x5.x * w0; a5 += x5.y * w1; a5 += x5.z * w2; a5 += x5.w * w3;
      a6 += x6.x * w0; a6 += x6.y * w1; a6 += x6.z * w2; a6 += x6.w * w3;
    }
    workgroupBarrier();
  }
  let c = tile.x * 16u + column;
  let q = row0 + rows;
  store(q, c, a0[0]); store(q, c + 8u, a0[1]);
  store(q + 1u, c, a1[0]); store(q + 1u, c + 8u, a1[1]);
  store(q + 2u, c, a2[0]); store(q + 2u, c + 8u, a2[1]);
  store(q + 3u, c, a3[0]); store(q + 3u, c + 8u, a3[1]);
  store(q + 4u, c, a4[0]); store(q + 4u, c + 8u, a4[1]);
  store(q + 5u, c, a5[0]); store(q + 5u, c + 8u, a5[1]);
  store(q + 6u, c, a6[0]); store(q + 6u, c + 8u, a6[1]);
}
