// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for subgroups of exactly four.
//
// A thread holds 28 rows by 16 columns and reads both operands straight from storage. The four lanes work on the same rows, so
// each loads one of four values of x and all hear it: on CPUs that run WebGPU (SwiftShader's subgroups are four) a load costs as
// much as several multiply-adds, and a 4x4 block times a vector stays in registers. A workgroup is one subgroup, which adds up a
// row's statistics without a barrier. Sizes are the lengths of the bindings, so that seven pipelines serve the whole network: a CPU
// takes most of a second to compile one.
enable subgroups;

alias input = f32;
alias weight = f32;
alias added = f32;
alias output = f32;

const ROWS = 28u;
const QUADS = 4u; // of columns, of a thread
const THREADS = 4u;

override MERGE: bool; // a row is 2x2 neighbours in a map, in the order (0,0), (1,0), (0,1), (1,1); the grid's z are images
override NORM: bool;
override EPS: f32;
override ACTIVATION: u32; // 0 none, 1 GELU, 2 ReLU
override RESIDUAL: bool;
override STREAM: bool; // y, and r where it is added, are streams

@group(0) @binding(0) var<storage, read> x: array<input>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> r: array<vec4<added>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<output>>;

struct Sizes {
  inner: u32,
  channels: u32, // of a pixel of x
  xRow: u32, // numbers from a pixel of x to the next
  side: u32, // of the map where rows are neighbours
  last: u32, // the row of y that a workgroup of this z must not go beyond
}

fn quadsOfY() -> u32 {
  return arrayLength(&b);
}

fn yRow() -> u32 {
  return quadsOfY() + select(0u, quadsOfY() / 16u, STREAM);
}

// First number of a row's first pixel.
fn rowAt(s: Sizes, row: u32) -> u32 {
  let known = min(row, s.last);
  if (!MERGE) {
    return known * s.xRow;
  }
  let half = s.side / 2u;
  let cell = known % (half * half);
  return (known / (half * half) * s.side * s.side + cell / half * 2u * s.side + cell % half * 2u) * s.xRow;
}

// From a row's first pixel to the one that holds its k-th number.
fn pixelAt(s: Sizes, k: u32) -> u32 {
  if (!MERGE) {
    return 0u;
  }
  let neighbour = k / s.channels;
  return (neighbour % 2u * s.side + neighbour / 2u) * s.xRow;
}

// Mean and 1 / deviation of a row from those of its parts (Chan et al. 1979).
fn momentsOf(s: Sizes, row: u32) -> vec2f {
  let first = rowAt(s, row) + s.channels;
  var mean = 0.0;
  var squares = 0.0;
  for (var i = 0u; i < s.inner / 64u; i++) {
    let at = first + pixelAt(s, i * 64u) + i * 64u % s.channels / 16u;
    let d = f32(x[at]) - mean;
    mean += d / f32(i + 1u);
    squares += f32(x[at + 1u]) + d * d * 64.0 * f32(i) / f32(i + 1u);
  }
  return vec2f(mean, inverseSqrt(squares / f32(s.inner) + EPS));
}

// Stores one vec4 of y, and gives what it stored.
fn store(last: u32, row: u32, column: u32, sum: vec4f) -> vec4f {
  if (row > last || column >= quadsOfY()) {
    return vec4f();
  }
  var v = activated(sum + b[column]);
  let at = row * yRow() + column;
  if (RESIDUAL) {
    v += vec4f(r[at % arrayLength(&r)]);
  }
  if (ACTIVATION == 4u) {
    v = max(v, vec4f());
  }
  y[at] = vec4<output>(v);
  return v;
}

// What each of the four lanes has.
fn four(v: f32) -> vec4f {
  return vec4f(subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u), subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u));
}

@compute @workgroup_size(THREADS)
fn matmulSubgroup(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) column: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let rows = arrayLength(&y) / yRow();
  let rowsOfZ = rows / grid.z; // of an image that has a weight or a map of its own
  let weights = select(grid.z, 1u, MERGE);
  let inner = arrayLength(&w) / (16u * grid.x * weights);
  let channels = select(inner, inner / 4u, MERGE);
  let xRow = arrayLength(&x) / select(rows, 4u * rows, MERGE);
  let last = (tile.z + 1u) * rowsOfZ - 1u;
  let sizes = Sizes(inner, channels, xRow, 2u * u32(sqrt(f32(rowsOfZ)) + 0.5), last);
  let row = tile.z * rowsOfZ + tile.y * ROWS;
  let tileW = (select(tile.z, 0u, MERGE) * grid.x + tile.x) * inner * 16u + column;
  var means = array<vec4f, 7>();
  var scales = array<vec4f, 7>();
  if (NORM) {
    for (var i = 0u; i < 7u; i++) {
      let moments = momentsOf(sizes, row + i * 4u + lane);
      means[i] = four(moments.x);
      scales[i] = four(moments.y);
    }
  }
  let p0 = rowAt(sizes, row + 0u) + lane;
  let p1 = rowAt(sizes, row + 1u) + lane;
  let p2 = rowAt(sizes, row + 2u) + lane;
  let p3 = rowAt(sizes, row + 3u) + lane;
  let p4 = rowAt(sizes, row + 4u) + lane;
  let p5 = rowAt(sizes, row + 5u) + lane;
  let p6 = rowAt(sizes, row + 6u) + lane;
  let p7 = rowAt(sizes, row + 7u) + lane;
  let p8 = rowAt(sizes, row + 8u) + lane;
  let p9 = rowAt(sizes, row + 9u) + lane;
  let p10 = rowAt(sizes, row + 10u) + lane;
  let p11 = rowAt(sizes, row + 11u) + lane;
  let p12 = rowAt(sizes, row + 12u) + lane;
  let p13 = rowAt(sizes, row + 13u) + lane;
  let p14 = rowAt(sizes, row + 14u) + lane;
  let p15 = rowAt(sizes, row + 15u) + lane;
  let p16 = rowAt(sizes, row + 16u) + lane;
  let p17 = rowAt(sizes, row + 17u) + lane;
  let p18 = rowAt(sizes, row + 18u) + lane;
  let p19 = rowAt(sizes, row + 19u) + lane;
  let p20 = rowAt(sizes, row + 20u) + lane;
  let p21 = rowAt(sizes, row + 21u) + lane;
  let p22 = rowAt(sizes, row + 22u) + lane;
  let p23 = rowAt(sizes, row + 23u) + lane;
  let p24 = rowAt(sizes, row + 24u) + lane;
  let p25 = rowAt(sizes, row + 25u) + lane;
  let p26 = rowAt(sizes, row + 26u) + lane;
  let p27 = rowAt(sizes, row + 27u) + lane;
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
    let at = tileW + k * 16u;
    let wa = mat4x4f(vec4f(w[at]), vec4f(w[at + 16u]), vec4f(w[at + 32u]), vec4f(w[at + 48u]));
    let wb = mat4x4f(vec4f(w[at + 4u]), vec4f(w[at + 20u]), vec4f(w[at + 36u]), vec4f(w[at + 52u]));
    let wc = mat4x4f(vec4f(w[at + 8u]), vec4f(w[at + 24u]), vec4f(w[at + 40u]), vec4f(w[at + 56u]));
    let wd = mat4x4f(vec4f(w[at + 12u]), vec4f(w[at + 28u]), vec4f(w[at + 44u]), vec4f(w[at + 60u]));
    let start = pixelAt(sizes, k) + k % channels;
    let x0 = four(f32(x[p0 + start]) - means[0].x); a0 += wa * x0; b0 += wb * x0; c0 += wc * x0; d0 += wd * x0;
    let x1 = four(f32(x[p1 + start]) - means[0].y); a1 += wa * x1; b1 += wb * x1; c1 += wc * x1; d1 += wd * x1;
    let x2 = four(f32(x[p2 + start]) - means[0].z); a2 += wa * x2; b2 += wb * x2; c2 += wc * x2; d2 += wd * x2;
    let x3 = four(f32(x[p3 + start]) - means[0].w); a3 += wa * x3; b3 += wb * x3; c3 += wc * x3; d3 += wd * x3;
    let x4 = four(f32(x[p4 + start]) - means[1].x); a4 += wa * x4; b4 += wb * x4; c4 += wc * x4; d4 += wd * x4;
    let x5 = four(f32(x[p5 + start]) - means[1].y); a5 += wa * x5; b5 += wb * x5; c5 += wc * x5; d5 += wd * x5;
    let x6 = four(f32(x[p6 + start]) - means[1].z); a6 += wa * x6; b6 += wb * x6; c6 += wc * x6; d6 += wd * x6;
    let x7 = four(f32(x[p7 + start]) - means[1].w); a7 += wa * x7; b7 += wb * x7; c7 += wc * x7; d7 += wd * x7;
    let x8 = four(f32(x[p8 + start]) - means[2].x); a8 += wa * x8; b8 += wb * x8; c8 += wc * x8; d8 += wd * x8;
    let x9 = four(f32(x[p9 + start]) - means[2].y); a9 += wa * x9; b9 += wb * x9; c9 += wc * x9; d9 += wd * x9;
    let x10 = four(f32(x[p10 + start]) - means[2].z); a10 += wa * x10; b10 += wb * x10; c10 += wc * x10; d10 += wd * x10;
    let x11 = four(f32(x[p11 + start]) - means[2].w); a11 += wa * x11; b11 += wb * x11; c11 += wc * x11; d11 += wd * x11;
    let x12 = four(f32(x[p12 + start]) - means[3].x); a12 += wa * x12; b12 += wb * x12; c12 += wc * x12; d12 += wd * x12;
    let x13 = four(f32(x[p13 + start]) - means[3].y); a13 += wa * x13; b13 += wb * x13; c13 += wc * x13; d13 += wd * x13;
    let x14 = four(f32(x[p14 + start]) - means[3].z); a14 += wa * x14; b14 += wb * x14; c14 += wc * x14; d14 += wd * x14;
    let x15 = four(f32(x[p15 + start]) - means[3].w); a15 += wa * x15; b15 += wb * x15; c15 += wc * x15; d15 += wd * x15;
    let x16 = four(f32(x[p16 + start]) - means[4].x); a16 += wa * x16; b16 += wb * x16; c16 += wc * x16; d16 += wd * x16;
    let x17 = four(f32(x[p17 + start]) - means[4].y); a17 += wa * x17; b17 += wb * x17; c17 += wc * x17; d17 += wd * x17;
    let x18 = four(f32(x[p18 + start]) - means[4].z); a18 += wa * x18; b18 += wb * x18; c18 += wc * x18; d18 += wd * x18;
    let x19 = four(f32(x[p19 + start]) - means[4].w); a19 += wa * x19; b19 += wb * x19; c19 += wc * x19; d19 += wd * x19;
    let x20 = four(f32(x[p20 + start]) - means[5].x); a20 += wa * x20; b20 += wb * x20; c20 += wc * x20; d20 += wd * x20;
    let x21 = four(f32(x[p21 + start]) - means[5].y); a21 += wa * x21; b21 += wb * x21; c21 += wc * x21; d21 += wd * x21;
    let x22 = four(f32(x[p22 + start]) - means[5].z); a22 += wa * x22; b22 += wb * x22; c22 += wc * x22; d22 += wd * x22;
    let x23 = four(f32(x[p23 + start]) - means[5].w); a23 += wa * x23; b23 += wb * x23; c23 += wc * x23; d23 += wd * x23;
    let x24 = four(f32(x[p24 + start]) - means[6].x); a24 += wa * x24; b24 += wb * x24; c24 += wc * x24; d24 += wd * x24;
    let x25 = four(f32(x[p25 + start]) - means[6].y); a25 += wa * x25; b25 += wb * x25; c25 += wc * x25; d25 += wd * x25;
    let x26 = four(f32(x[p26 + start]) - means[6].z); a26 += wa * x26; b26 += wb * x26; c26 += wc * x26; d26 += wd * x26;
    let x27 = four(f32(x[p27 + start]) - means[6].w); a27 += wa * x27; b27 += wb * x27; c27 += wc * x27; d27 += wd * x27;
  }
  // One loop over an array, not 112 calls: every call is inlined, and half of the compile time went there.
  var sums = array<vec4f, ROWS * QUADS>(
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
  for (var i = 0u; i < ROWS; i++) {
    let scale = select(1.0, scales[i / 4u][i % 4u], NORM);
    for (var q = 0u; q < QUADS; q++) {
      sums[i * QUADS + q] = store(last, row + i, tile.x * 16u + column + q * 4u, scale * sums[i * QUADS + q]);
    }
    if (STREAM) {
      let v = mat4x4f(sums[i * QUADS], sums[i * QUADS + 1u], sums[i * QUADS + 2u], sums[i * QUADS + 3u]);
      let mean = subgroupAdd(dot(v[0] + v[1] + v[2] + v[3], vec4f(1.0 / 64.0)));
      let d = v - mat4x4f(vec4f(mean), vec4f(mean), vec4f(mean), vec4f(mean));
      let squares = subgroupAdd(dot(d[0], d[0]) + dot(d[1], d[1]) + dot(d[2], d[2]) + dot(d[3], d[3]));
      if (lane == 0u && row + i <= last) {
        y[(row + i) * yRow() + quadsOfY() + tile.x] = vec4<output>(vec4f(mean, squares, 0.0, 0.0));
      }
    }
  }
}
