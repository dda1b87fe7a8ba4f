// y[r, n] = act(sum_k x[r, k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for subgroups of exactly four.
//
// A thread holds 28 rows by 16 columns and reads both operands straight from storage. The four lanes work on the same rows, so
// each loads one of four values of x and all hear it: on CPUs that run WebGPU (SwiftShader's subgroups are four) a load costs as
// much as several multiply-adds, and a 4x4 block times a vector stays in registers. Sizes are the lengths of the bindings, so
// that five pipelines serve the whole network: a CPU takes most of a second to compile one.
enable subgroups;

alias weight = f32;

const TILE_ROWS = 28u;
const THREADS = 4u;

override ACTIVATION: u32; // 0 none, 1 GELU, 2 ReLU
override RESIDUAL: bool;

@group(0) @binding(0) var<storage, read> x: array<f32>;
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
  let quads = arrayLength(&b);
  if (row >= arrayLength(&y) / quads || column >= quads) { return; }
  var v = sum + b[column];
  if (ACTIVATION == 1u) { v = gelu(v); }
  if (ACTIVATION == 2u) { v = max(v, vec4f()); }
  let at = row * quads + column;
  if (RESIDUAL) { v += r[at % arrayLength(&r)]; }
  y[at] = v;
}

fn four(v: f32) -> vec4f {
  return vec4f(subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u), subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u));
}

@compute @workgroup_size(THREADS)
fn matmulSubgroup(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(local_invocation_index) column: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row = tile.y * TILE_ROWS;
  let rows = arrayLength(&y) / arrayLength(&b);
  let inner = arrayLength(&x) / rows;
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
  var a14 = vec4f(); var b14 = vec4f(); var c14 = vec4f(); var d14 = vec4f();
  var a15 = vec4f(); var b15 = vec4f(); var c15 = vec4f(); var d15 = vec4f();
  var a16 = vec4f(); var b16 = vec4f(); var c16 = vec4f(); var d16 = vec4f();
  var a17 = vec4f(); var b17 = vec4f(); var c17 = vec4f(); var d17 = vec4f();
  var a18 = vec4f(); var b18 = vec4f(); var c18 = vec4f(); var d18 = vec4f();
  var a19 = vec4f(); var b19 = vec4f(); var c19 = vec4f(); var d19 = vec4f();
  var a20 = vec4f(); var b20 = vec4f(); var c20 = vec4f(); var d20 = vec4f();
  var a21 = vec4f(); var b21 = vec4f(); var c21 = vec4f(); var d21 = vec4f();
  var a22 = vec4f(); var b22 = vec4f(); var c22 = vec4f(); var d22 = vec4f();
  var a23 = vec4f(); var b23 = vec4f(); var c23 = vec4f(); var d23 = vec4f();
  var a24 = vec4f(); var b24 = vec4f(); var c24 = vec4f(); var d24 = vec4f();
  var a25 = vec4f(); var b25 = vec4f(); var c25 = vec4f(); var d25 = vec4f();
  var a26 = vec4f(); var b26 = vec4f(); var c26 = vec4f(); var d26 = vec4f();
  var a27 = vec4f(); var b27 = vec4f(); var c27 = vec4f(); var d27 = vec4f();
  for (var k = 0u; k < inner; k += 4u) {
    let i = k + lane;
    let at = (tile.x * inner + k) * 16u + column;
    let wa = mat4x4f(vec4f(w[at]), vec4f(w[at + 16u]), vec4f(w[at + 32u]), vec4f(w[at + 48u]));
    let wb = mat4x4f(vec4f(w[at + 4u]), vec4f(w[at + 20u]), vec4f(w[at + 36u]), vec4f(w[at + 52u]));
    let wc = mat4x4f(vec4f(w[at + 8u]), vec4f(w[at + 24u]), vec4f(w[at + 40u]), vec4f(w[at + 56u]));
    let wd = mat4x4f(vec4f(w[at + 12u]), vec4f(w[at + 28u]), vec4f(w[at + 44u]), vec4f(w[at + 60u]));
    let x0 = four(x[min(row, rows - 1u) * inner + i]); a0 += wa * x0; b0 += wb * x0; c0 += wc * x0; d0 += wd * x0;
    let x1 = four(x[min(row + 1u, rows - 1u) * inner + i]); a1 += wa * x1; b1 += wb * x1; c1 += wc * x1; d1 += wd * x1;
    let x2 = four(x[min(row + 2u, rows - 1u) * inner + i]); a2 += wa * x2; b2 += wb * x2; c2 += wc * x2; d2 += wd * x2;
    let x3 = four(x[min(row + 3u, rows - 1u) * inner + i]); a3 += wa * x3; b3 += wb * x3; c3 += wc * x3; d3 += wd * x3;
    let x4 = four(x[min(row + 4u, rows - 1u) * inner + i]); a4 += wa * x4; b4 += wb * x4; c4 += wc * x4; d4 += wd * x4;
    let x5 = four(x[min(row + 5u, rows - 1u) * inner + i]); a5 += wa * x5; b5 += wb * x5; c5 += wc * x5; d5 += wd * x5;
    let x6 = four(x[min(row + 6u, rows - 1u) * inner + i]); a6 += wa * x6; b6 += wb * x6; c6 += wc * x6; d6 += wd * x6;
    let x7 = four(x[min(row + 7u, rows - 1u) * inner + i]); a7 += wa * x7; b7 += wb * x7; c7 += wc * x7; d7 += wd * x7;
    let x8 = four(x[min(row + 8u, rows - 1u) * inner + i]); a8 += wa * x8; b8 += wb * x8; c8 += wc * x8; d8 += wd * x8;
    let x9 = four(x[min(row + 9u, rows - 1u) * inner + i]); a9 += wa * x9; b9 += wb * x9; c9 += wc * x9; d9 += wd * x9;
    let x10 = four(x[min(row + 10u, rows - 1u) * inner + i]); a10 += wa * x10; b10 += wb * x10; c10 += wc * x10; d10 += wd * x10;
    let x11 = four(x[min(row + 11u, rows - 1u) * inner + i]); a11 += wa * x11; b11 += wb * x11; c11 += wc * x11; d11 += wd * x11;
    let x12 = four(x[min(row + 12u, rows - 1u) * inner + i]); a12 += wa * x12; b12 += wb * x12; c12 += wc * x12; d12 += wd * x12;
    let x13 = four(x[min(row + 13u, rows - 1u) * inner + i]); a13 += wa * x13; b13 += wb * x13; c13 += wc * x13; d13 += wd * x13;
    let x14 = four(x[min(row + 14u, rows - 1u) * inner + i]); a14 += wa * x14; b14 += wb * x14; c14 += wc * x14; d14 += wd * x14;
    let x15 = four(x[min(row + 15u, rows - 1u) * inner + i]); a15 += wa * x15; b15 += wb * x15; c15 += wc * x15; d15 += wd * x15;
    let x16 = four(x[min(row + 16u, rows - 1u) * inner + i]); a16 += wa * x16; b16 += wb * x16; c16 += wc * x16; d16 += wd * x16;
    let x17 = four(x[min(row + 17u, rows - 1u) * inner + i]); a17 += wa * x17; b17 += wb * x17; c17 += wc * x17; d17 += wd * x17;
    let x18 = four(x[min(row + 18u, rows - 1u) * inner + i]); a18 += wa * x18; b18 += wb * x18; c18 += wc * x18; d18 += wd * x18;
    let x19 = four(x[min(row + 19u, rows - 1u) * inner + i]); a19 += wa * x19; b19 += wb * x19; c19 += wc * x19; d19 += wd * x19;
    let x20 = four(x[min(row + 20u, rows - 1u) * inner + i]); a20 += wa * x20; b20 += wb * x20; c20 += wc * x20; d20 += wd * x20;
    let x21 = four(x[min(row + 21u, rows - 1u) * inner + i]); a21 += wa * x21; b21 += wb * x21; c21 += wc * x21; d21 += wd * x21;
    let x22 = four(x[min(row + 22u, rows - 1u) * inner + i]); a22 += wa * x22; b22 += wb * x22; c22 += wc * x22; d22 += wd * x22;
    let x23 = four(x[min(row + 23u, rows - 1u) * inner + i]); a23 += wa * x23; b23 += wb * x23; c23 += wc * x23; d23 += wd * x23;
    let x24 = four(x[min(row + 24u, rows - 1u) * inner + i]); a24 += wa * x24; b24 += wb * x24; c24 += wc * x24; d24 += wd * x24;
    let x25 = four(x[min(row + 25u, rows - 1u) * inner + i]); a25 += wa * x25; b25 += wb * x25; c25 += wc * x25; d25 += wd * x25;
    let x26 = four(x[min(row + 26u, rows - 1u) * inner + i]); a26 += wa * x26; b26 += wb * x26; c26 += wc * x26; d26 += wd * x26;
    let x27 = four(x[min(row + 27u, rows - 1u) * inner + i]); a27 += wa * x27; b27 += wb * x27; c27 += wc * x27; d27 += wd * x27;
  }
  // One loop over an array, not 112 calls: every call is inlined, and half of the compile time went there.
  var sums = array<vec4f, 112>(
    a0, b0, c0, d0, a1, b1, c1, d1,
    a2, b2, c2, d2, a3, b3, c3, d3,
    a4, b4, c4, d4, a5, b5, c5, d5,
    a6, b6, c6, d6, a7, b7, c7, d7,
    a8, b8, c8, d8, a9, b9, c9, d9,
    a10, b10, c10, d10, a11, b11, c11, d11,
    a12, b12, c12, d12, a13, b13, c13, d13,
    a14, b14, c14, d14, a15, b15, c15, d15,
    a16, b16, c16, d16, a17, b17, c17, d17,
    a18, b18, c18, d18, a19, b19, c19, d19,
    a20, b20, c20, d20, a21, b21, c21, d21,
    a22, b22, c22, d22, a23, b23, c23, d23,
    a24, b24, c24, d24, a25, b25, c25, d25,
    a26, b26, c26, d26, a27, b27, c27, d27,
  );
  for (var i = 0u; i < 112u; i++) { store(row + i / 4u, tile.x * 16u + column + i % 4u * 4u, sums[i]); }
}
