// y[r, n] = act(sum_k x[r, k] w[n, k] + b[n]) + r[r mod R_ROWS, n], as matmul, without workgroup memory.
//
// A thread holds 7 rows by 16 columns and reads both operands straight from storage: no barrier anywhere. For adapters on
// which barriers and workgroup memory cost more than they save: CPUs that run WebGPU.
alias weight = f32;

const ROW_GROUPS = 4u;
const TILE_ROWS = 7u * ROW_GROUPS;
const THREADS = 4u * ROW_GROUPS;

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

// Abramowitz and Stegun 7.1.26: erf to 1.5e-7. WGSL has none, and the tanh form is off by 5e-4.
fn gelu(v: vec4f) -> vec4f {
  let z = abs(v) * 0.70710678118654752;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * exp(-z * z);
  return 0.5 * v * select(2.0 - tail, tail, v < vec4f());
}

fn store(row: u32, column: u32, sum: vec4f) {
  if (row >= ROWS || column * 4u >= COLS) { return; }
  var v = sum + b[column];
  if (ACTIVATION == 1u) { v = gelu(v); }
  if (ACTIVATION == 2u) { v = max(v, vec4f()); }
  if (RESIDUAL) { v += r[(row % R_ROWS) * (COLS / 4u) + column]; }
  y[row * (COLS / 4u) + column] = v;
}

fn storeRow(row: u32, column: u32, sums: mat4x4f) {
  store(row, column, sums[0]);
  store(row, column + 4u, sums[1]);
  store(row, column + 8u, sums[2]);
  store(row, column + 12u, sums[3]);
}

fn columns(at: u32) -> mat4x4f {
  return mat4x4f(vec4f(w[at]), vec4f(w[at + 4u]), vec4f(w[at + 8u]), vec4f(w[at + 12u]));
}

@compute @workgroup_size(THREADS)
fn matmulDirect(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_index) thread: u32) {
  let column = thread % 4u;
  let row = tile.y * TILE_ROWS + thread / 4u * 7u;
  let r0 = min(row, ROWS - 1u) * (INNER / 4u);
  let r1 = min(row + 1u, ROWS - 1u) * (INNER / 4u);
  let r2 = min(row + 2u, ROWS - 1u) * (INNER / 4u);
  let r3 = min(row + 3u, ROWS - 1u) * (INNER / 4u);
  let r4 = min(row + 4u, ROWS - 1u) * (INNER / 4u);
  let r5 = min(row + 5u, ROWS - 1u) * (INNER / 4u);
  let r6 = min(row + 6u, ROWS - 1u) * (INNER / 4u);
  var a0 = mat4x4f(); var a1 = mat4x4f(); var a2 = mat4x4f(); var a3 = mat4x4f();
  var a4 = mat4x4f(); var a5 = mat4x4f(); var a6 = mat4x4f();
  for (var k = 0u; k < INNER / 4u; k++) {
    let at = (tile.x * INNER + k * 4u) * 16u + column;
    let w0 = columns(at);
    let w1 = columns(at + 16u);
    let w2 = columns(at + 32u);
    let w3 = columns(at + 48u);
    let x0 = x[r0 + k];
    let x1 = x[r1 + k];
    let x2 = x[r2 + k];
    let x3 = x[r3 + k];
    let x4 = x[r4 + k];
    let x5 = x[r5 + k];
    let x6 = x[r6 + k];
    a0 += x0.x * w0; a0 += x0.y * w1; a0 += x0.z * w2; a0 += x0.w * w3;
    a1 += x1.x * w0; a1 += x1.y * w1; a1 += x1.z * w2; a1 += x1.w * w3;
    a2 += x2.x * w0; a2 += x2.y * w1; a2 += x2.z * w2; a2 += x2.w * w3;
    a3 += x3.x * w0; a3 += x3.y * w1; a3 += x3.z * w2; a3 += x3.w * w3;
    a4 += x4.x * w0; a4 += x4.y * w1; a4 += x4.z * w2; a4 += x4.w * w3;
    a5 += x5.x * w0; a5 += x5.y * w1; a5 += x5.z * w2; a5 += x5.w * w3;
    a6 += x6.x * w0; a6 += x6.y * w1; a6 += x6.z * w2; a6 += x6.w * w3;
  }
  let c = tile.x * 16u + column;
  storeRow(row, c, a0);
  storeRow(row + 1u, c, a1);
  storeRow(row + 2u, c, a2);
  storeRow(row + 3u, c, a3);
  storeRow(row + 4u, c, a4);
  storeRow(row + 5u, c, a5);
  storeRow(row + 6u, c, a6);
}
