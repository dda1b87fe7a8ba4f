// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c), as conv, for subgroups of exactly four; see there.
//
// A thread holds 28 rows by 16 columns; each of the four lanes loads one of four values of x and all hear it, as in matmulSubgroup
// and for its reason. Where a tap's pixel lies outside, the row is read all the same and counts 0 times.
enable subgroups;

alias elem = f32;
alias weight = f32;
alias output = f32;

const TILE_ROWS = 28u;
const THREADS = 4u;

override INNER: u32;
override COLS: u32;
override KERNEL: u32; // 1 or 3
override PREACTIVATION: bool;
override RELU: bool;
override POOL: bool;
override RESIDUAL: u32; // 0 none, 1 r, 2 the 2x2 maxima of r
override COARSE: bool;

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> s: array<f32>;
@group(0) @binding(4) var<storage, read> r: array<vec4<elem>>;
@group(0) @binding(5) var<storage, read> c: array<vec4<elem>>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<output>>;

struct Source { at: u32, live: f32 } // index of the pixel's first value in x, and 0 where the tap lies outside

// No branches here: twenty-eight of them in a row would take minutes to compile.
fn source(map: Map, r0: u32, tap: u32) -> Source {
  let row = min(r0, map.rows - 1u);
  let at = vec2u(row % map.side + tap % 3u, row / map.side + tap / 3u) - 1u; // wraps to a large number on the left and above
  let inside = KERNEL == 1u || all(at < vec2u(map.side));
  let pixel = select(row, at.y * map.side + at.x, KERNEL == 3u && inside);
  return Source(select(map.image * map.rows + pixel, finer(map, pixel), POOL) * INNER, select(0.0, 1.0, inside));
}

fn input(pixel: Source, k: u32, below: u32, scale: f32, shift: f32) -> vec4f {
  let at = pixel.at + k;
  var v = f32(x[at]);
  if (POOL) {
    v = max(max(v, f32(x[at + INNER])), f32(max(x[at + below], x[at + below + INNER])));
  }
  if (PREACTIVATION) {
    v = max(v * scale + shift, 0.0);
  }
  v *= pixel.live;
  return vec4f(subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u), subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u));
}

@compute @workgroup_size(THREADS)
fn convSubgroup(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) column: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let map = mapOf(tile.z, grid.z);
  let below = 2u * map.side * INNER;
  let row = tile.y * TILE_ROWS;
  var p: array<Source, TILE_ROWS>;
  var a0: vec4f; var b0: vec4f; var e0: vec4f; var d0: vec4f; var a1: vec4f; var b1: vec4f; var e1: vec4f; var d1: vec4f;
  var a2: vec4f; var b2: vec4f; var e2: vec4f; var d2: vec4f; var a3: vec4f; var b3: vec4f; var e3: vec4f; var d3: vec4f;
  var a4: vec4f; var b4: vec4f; var e4: vec4f; var d4: vec4f; var a5: vec4f; var b5: vec4f; var e5: vec4f; var d5: vec4f;
  var a6: vec4f; var b6: vec4f; var e6: vec4f; var d6: vec4f; var a7: vec4f; var b7: vec4f; var e7: vec4f; var d7: vec4f;
  var a8: vec4f; var b8: vec4f; var e8: vec4f; var d8: vec4f; var a9: vec4f; var b9: vec4f; var e9: vec4f; var d9: vec4f;
  var a10: vec4f; var b10: vec4f; var e10: vec4f; var d10: vec4f; var a11: vec4f; var b11: vec4f; var e11: vec4f; var d11: vec4f;
  var a12: vec4f; var b12: vec4f; var e12: vec4f; var d12: vec4f; var a13: vec4f; var b13: vec4f; var e13: vec4f; var d13: vec4f;
  var a14: vec4f; var b14: vec4f; var e14: vec4f; var d14: vec4f; var a15: vec4f; var b15: vec4f; var e15: vec4f; var d15: vec4f;
  var a16: vec4f; var b16: vec4f; var e16: vec4f; var d16: vec4f; var a17: vec4f; var b17: vec4f; var e17: vec4f; var d17: vec4f;
  var a18: vec4f; var b18: vec4f; var e18: vec4f; var d18: vec4f; var a19: vec4f; var b19: vec4f; var e19: vec4f; var d19: vec4f;
  var a20: vec4f; var b20: vec4f; var e20: vec4f; var d20: vec4f; var a21: vec4f; var b21: vec4f; var e21: vec4f; var d21: vec4f;
  var a22: vec4f; var b22: vec4f; var e22: vec4f; var d22: vec4f; var a23: vec4f; var b23: vec4f; var e23: vec4f; var d23: vec4f;
  var a24: vec4f; var b24: vec4f; var e24: vec4f; var d24: vec4f; var a25: vec4f; var b25: vec4f; var e25: vec4f; var d25: vec4f;
  var a26: vec4f; var b26: vec4f; var e26: vec4f; var d26: vec4f; var a27: vec4f; var b27: vec4f; var e27: vec4f; var d27: vec4f;
  for (var tap = 0u; tap < KERNEL * KERNEL; tap++) {
    for (var i = 0u; i < TILE_ROWS; i++) { p[i] = source(map, row + i, tap); }
    for (var k = 0u; k < INNER; k += 4u) {
      let i = k + lane;
      let at = ((tile.x * KERNEL * KERNEL + tap) * INNER + k) * 16u + column;
      let wa = mat4x4f(vec4f(w[at]), vec4f(w[at + 16u]), vec4f(w[at + 32u]), vec4f(w[at + 48u]));
      let wb = mat4x4f(vec4f(w[at + 4u]), vec4f(w[at + 20u]), vec4f(w[at + 36u]), vec4f(w[at + 52u]));
      let wc = mat4x4f(vec4f(w[at + 8u]), vec4f(w[at + 24u]), vec4f(w[at + 40u]), vec4f(w[at + 56u]));
      let wd = mat4x4f(vec4f(w[at + 12u]), vec4f(w[at + 28u]), vec4f(w[at + 44u]), vec4f(w[at + 60u]));
      var scale: f32; var shift: f32;
      if (PREACTIVATION) { scale = s[i]; shift = s[INNER + i]; }
      let x0 = input(p[0], i, below, scale, shift); a0 += wa * x0; b0 += wb * x0; e0 += wc * x0; d0 += wd * x0;
      let x1 = input(p[1], i, below, scale, shift); a1 += wa * x1; b1 += wb * x1; e1 += wc * x1; d1 += wd * x1;
      let x2 = input(p[2], i, below, scale, shift); a2 += wa * x2; b2 += wb * x2; e2 += wc * x2; d2 += wd * x2;
      let x3 = input(p[3], i, below, scale, shift); a3 += wa * x3; b3 += wb * x3; e3 += wc * x3; d3 += wd * x3;
      let x4 = input(p[4], i, below, scale, shift); a4 += wa * x4; b4 += wb * x4; e4 += wc * x4; d4 += wd * x4;
      let x5 = input(p[5], i, below, scale, shift); a5 += wa * x5; b5 += wb * x5; e5 += wc * x5; d5 += wd * x5;
      let x6 = input(p[6], i, below, scale, shift); a6 += wa * x6; b6 += wb * x6; e6 += wc * x6; d6 += wd * x6;
      let x7 = input(p[7], i, below, scale, shift); a7 += wa * x7; b7 += wb * x7; e7 += wc * x7; d7 += wd * x7;
      let x8 = input(p[8], i, below, scale, shift); a8 += wa * x8; b8 += wb * x8; e8 += wc * x8; d8 += wd * x8;
      let x9 = input(p[9], i, below, scale, shift); a9 += wa * x9; b9 += wb * x9; e9 += wc * x9; d9 += wd * x9;
      let x10 = input(p[10], i, below, scale, shift); a10 += wa * x10; b10 += wb * x10; e10 += wc * x10; d10 += wd * x10;
      let x11 = input(p[11], i, below, scale, shift); a11 += wa * x11; b11 += wb * x11; e11 += wc * x11; d11 += wd * x11;
      let x12 = input(p[12], i, below, scale, shift); a12 += wa * x12; b12 += wb * x12; e12 += wc * x12; d12 += wd * x12;
      let x13 = input(p[13], i, below, scale, shift); a13 += wa * x13; b13 += wb * x13; e13 += wc * x13; d13 += wd * x13;
      let x14 = input(p[14], i, below, scale, shift); a14 += wa * x14; b14 += wb * x14; e14 += wc * x14; d14 += wd * x14;
      let x15 = input(p[15], i, below, scale, shift); a15 += wa * x15; b15 += wb * x15; e15 += wc * x15; d15 += wd * x15;
      let x16 = input(p[16], i, below, scale, shift); a16 += wa * x16; b16 += wb * x16; e16 += wc * x16; d16 += wd * x16;
      let x17 = input(p[17], i, below, scale, shift); a17 += wa * x17; b17 += wb * x17; e17 += wc * x17; d17 += wd * x17;
      let x18 = input(p[18], i, below, scale, shift); a18 += wa * x18; b18 += wb * x18; e18 += wc * x18; d18 += wd * x18;
      let x19 = input(p[19], i, below, scale, shift); a19 += wa * x19; b19 += wb * x19; e19 += wc * x19; d19 += wd * x19;
      let x20 = input(p[20], i, below, scale, shift); a20 += wa * x20; b20 += wb * x20; e20 += wc * x20; d20 += wd * x20;
      let x21 = input(p[21], i, below, scale, shift); a21 += wa * x21; b21 += wb * x21; e21 += wc * x21; d21 += wd * x21;
      let x22 = input(p[22], i, below, scale, shift); a22 += wa * x22; b22 += wb * x22; e22 += wc * x22; d22 += wd * x22;
      let x23 = input(p[23], i, below, scale, shift); a23 += wa * x23; b23 += wb * x23; e23 += wc * x23; d23 += wd * x23;
      let x24 = input(p[24], i, below, scale, shift); a24 += wa * x24; b24 += wb * x24; e24 += wc * x24; d24 += wd * x24;
      let x25 = input(p[25], i, below, scale, shift); a25 += wa * x25; b25 += wb * x25; e25 += wc * x25; d25 += wd * x25;
      let x26 = input(p[26], i, below, scale, shift); a26 += wa * x26; b26 += wb * x26; e26 += wc * x26; d26 += wd * x26;
      let x27 = input(p[27], i, below, scale, shift); a27 += wa * x27; b27 += wb * x27; e27 += wc * x27; d27 += wd * x27;
    }
  }
  // One loop over an array, not 112 calls: every call is inlined, and compiling would take twice as long.
  var sums = array<vec4f, 112>(
    a0, b0, e0, d0, a1, b1, e1, d1, a2, b2, e2, d2, a3, b3, e3, d3,
    a4, b4, e4, d4, a5, b5, e5, d5, a6, b6, e6, d6, a7, b7, e7, d7,
    a8, b8, e8, d8, a9, b9, e9, d9, a10, b10, e10, d10, a11, b11, e11, d11,
    a12, b12, e12, d12, a13, b13, e13, d13, a14, b14, e14, d14, a15, b15, e15, d15,
    a16, b16, e16, d16, a17, b17, e17, d17, a18, b18, e18, d18, a19, b19, e19, d19,
    a20, b20, e20, d20, a21, b21, e21, d21, a22, b22, e22, d22, a23, b23, e23, d23,
    a24, b24, e24, d24, a25, b25, e25, d25, a26, b26, e26, d26, a27, b27, e27, d27,
  );
  for (var i = 0u; i < 112u; i++) { store(map, row + i / 4u, tile.x * 16u + column + i % 4u * 4u, sums[i]); }
}
