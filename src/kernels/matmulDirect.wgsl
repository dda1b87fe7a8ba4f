// y[r, n] = act(sum_k x[r, k] w[n, k] + b[n]) + r[r mod R_ROWS, n], as matmul, without workgroup memory.
//
// A thread holds 14 rows by 16 columns and reads both operands straight from storage: no barrier anywhere. For CPUs that run
// WebGPU, where a barrier switches threads and a load costs as much as several multiply-adds; each product of a 4x4 block is
// one matrix by vector, which they keep in registers.
alias weight = f32;

const ROW_GROUPS = 2u;
const TILE_ROWS = 14u * ROW_GROUPS;
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
fn matmulDirect(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_index) thread: u32) {
  let column = thread % 4u;
  let row = tile.y * TILE_ROWS + thread / 4u * 14u;
  let r0 = min(row, ROWS - 1u) * (INNER / 4u);
  let r1 = min(row + 1u, ROWS - 1u) * (INNER / 4u);
  let r2 = min(row + 2u, ROWS - 1u) * (INNER / 4u);
  let r3 = min(row + 3u, ROWS - 1u) * (INNER / 4u);
  let r4 = min(row + 4u, ROWS - 1u) * (INNER / 4u);
  let r5 = min(row + 5u, ROWS - 1u) * (INNER / 4u);
  let r6 = min(row + 6u, ROWS - 1u) * (INNER / 4u);
  let r7 = min(row + 7u, ROWS - 1u) * (INNER / 4u);
  let r8 = min(row + 8u, ROWS - 1u) * (INNER / 4u);
  let r9 = min(row + 9u, ROWS - 1u) * (INNER / 4u);
  let r10 = min(row + 10u, ROWS - 1u) * (INNER / 4u);
  let r11 = min(row + 11u, ROWS - 1u) * (INNER / 4u);
  let r12 = min(row + 12u, ROWS - 1u) * (INNER / 4u);
  let r13 = min(row + 13u, ROWS - 1u) * (INNER / 4u);
  var a0 = vec4f(); var b0 = vec4f(); var c0 = vec4f(); var d0 = vec4f();
  var a1 = vec4f(); var b1 = vec4f(); var c1 = vec4f(); var d1 = vec4f();
  var a2 = vec4f(); var b2 = vec4f(); var c2 = vec4f(); var d2 = vec4f();
  var a3 = vec4f(); var b3 = vec4f(); var c3 = vec4f(); var d3 = vec4f();
  var a4 = vec4f(); var b4 = vec4f(); var c4 = vec4f(); var d4 = vec4f();
  var a5 = vec4f(); var b5 = vec4f(); var c5 = vec4f(); var d5 = vec4f();
  var a6 = vec4f(); var b6 = vec4f(); var c6 = vec4f(); var d6 = vec4f();
  var a7 = vec4f(); var b7 = vec4f(); var c7 = vec4f(); var d7 = vec4f();
  var a8 = vec4f(); var b8 = vec4f(); var c8 = vec4f(); var d8 = vec4f();
  var a9 = vec4f(); var b9 = vec4f(); var c9 = vec4f(); var d9 = vec4f();
  var a10 = vec4f(); var b10 = vec4f(); var c10 = vec4f(); var d10 = vec4f();
  var a11 = vec4f(); var b11 = vec4f(); var c11 = vec4f(); var d11 = vec4f();
  var a12 = vec4f(); var b12 = vec4f(); var c12 = vec4f(); var d12 = vec4f();
  var a13 = vec4f(); var b13 = vec4f(); var c13 = vec4f(); var d13 = vec4f();
  for (var k = 0u; k < INNER / 4u; k++) {
    let at = (tile.x * INNER + k * 4u) * 16u + column;
    let wa = mat4x4f(vec4f(w[at]), vec4f(w[at + 16u]), vec4f(w[at + 32u]), vec4f(w[at + 48u]));
    let wb = mat4x4f(vec4f(w[at + 4u]), vec4f(w[at + 20u]), vec4f(w[at + 36u]), vec4f(w[at + 52u]));
    let wc = mat4x4f(vec4f(w[at + 8u]), vec4f(w[at + 24u]), vec4f(w[at + 40u]), vec4f(w[at + 56u]));
    let wd = mat4x4f(vec4f(w[at + 12u]), vec4f(w[at + 28u]), vec4f(w[at + 44u]), vec4f(w[at + 60u]));
    let x0 = x[r0 + k];
    a0 += wa * x0; b0 += wb * x0; c0 += wc * x0; d0 += wd * x0;
    let x1 = x[r1 + k];
    a1 += wa * x1; b1 += wb * x1; c1 += wc * x1; d1 += wd * x1;
    let x2 = x[r2 + k];
    a2 += wa * x2; b2 += wb * x2; c2 += wc * x2; d2 += wd * x2;
    let x3 = x[r3 + k];
    a3 += wa * x3; b3 += wb * x3; c3 += wc * x3; d3 += wd * x3;
    let x4 = x[r4 + k];
    a4 += wa * x4; b4 += wb * x4; c4 += wc * x4; d4 += wd * x4;
    let x5 = x[r5 + k];
    a5 += wa * x5; b5 += wb * x5; c5 += wc * x5; d5 += wd * x5;
    let x6 = x[r6 + k];
    a6 += wa * x6; b6 += wb * x6; c6 += wc * x6; d6 += wd * x6;
    let x7 = x[r7 + k];
    a7 += wa * x7; b7 += wb * x7; c7 += wc * x7; d7 += wd * x7;
    let x8 = x[r8 + k];
    a8 += wa * x8; b8 += wb * x8; c8 += wc * x8; d8 += wd * x8;
    let x9 = x[r9 + k];
    a9 += wa * x9; b9 += wb * x9; c9 += wc * x9; d9 += wd * x9;
    let x10 = x[r10 + k];
    a10 += wa * x10; b10 += wb * x10; c10 += wc * x10; d10 += wd * x10;
    let x11 = x[r11 + k];
    a11 += wa * x11; b11 += wb * x11; c11 += wc * x11; d11 += wd * x11;
    let x12 = x[r12 + k];
    a12 += wa * x12; b12 += wb * x12; c12 += wc * x12; d12 += wd * x12;
    let x13 = x[r13 + k];
    a13 += wa * x13; b13 += wb * x13; c13 += wc * x13; d13 += wd * x13;
  }
  // One loop over an array, not 56 calls: every call is inlined, and half of the compile time went there.
  var sums = array<vec4f, 56>(
    a0, b0, c0, d0,
    a1, b1, c1, d1,
    a2, b2, c2, d2,
    a3, b3, c3, d3,
    a4, b4, c4, d4,
    a5, b5, c5, d5,
    a6, b6, c6, d6,
    a7, b7, c7, d7,
    a8, b8, c8, d8,
    a9, b9, c9, d9,
    a10, b10, c10, d10,
    a11, b11, c11, d11,
    a12, b12, c12, d12,
    a13, b13, c13, d13,
  );
  for (var i = 0u; i < 56u; i++) { store(row + i / 4u, tile.x * 16u + column + i % 4u * 4u, sums[i]); }
}
