// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c), as conv, without workgroup memory; see there.
//
// A thread holds 14 rows by 16 columns and reads both operands straight from storage, as matmulDirect does and for its reason.
// Where a tap's pixel lies outside, the row is read all the same and counts 0 times.
alias weight = f32;

const ROW_GROUPS = 2u;
const TILE_ROWS = 14u * ROW_GROUPS;
const THREADS = 4u * ROW_GROUPS;

override INNER: u32;
override COLS: u32;
override KERNEL: u32; // 1 or 3
override PREACTIVATION: bool;
override RELU: bool;
override POOL: bool;
override RESIDUAL: u32; // 0 none, 1 r, 2 the 2x2 maxima of r
override COARSE: bool;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> s: array<vec4f>;
@group(0) @binding(4) var<storage, read> r: array<vec4f>;
@group(0) @binding(5) var<storage, read> c: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

// Rows and side come from the length of y, so that maps of every size share a pipeline.
fn rowsOfY() -> u32 { return arrayLength(&y) / (COLS / 4u); }
fn sideOf(rows: u32) -> u32 { return u32(sqrt(f32(rows)) + 0.5); }

// The upper left one, of a map of twice the side, of a pixel's four.
fn finer(row: u32, side: u32) -> u32 { return row / side * 4u * side + row % side * 2u; }

fn store(row: u32, side: u32, column: u32, sum: vec4f) {
  let quads = COLS / 4u;
  let at = row * quads + column;
  if (row >= side * side || column >= quads) { return; }
  var v = sum + b[column];
  if (RELU) { v = max(v, vec4f()); }
  if (RESIDUAL == 1u) { v += r[at]; }
  if (RESIDUAL == 2u) {
    let first = finer(row, side) * quads + column;
    let below = first + 2u * side * quads;
    v += max(max(r[first], r[first + quads]), max(r[below], r[below + quads]));
  }
  if (COARSE) { v += c[(row / side / 2u * (side / 2u) + row % side / 2u) * quads + column]; }
  y[at] = v;
}

struct Source {
  at: u32, // of the pixel's first vec4 in x
  live: f32,
}

// No branches here: fourteen of them in a row took minutes to compile.
fn source(r0: u32, side: u32, tap: u32) -> Source {
  let row = min(r0, side * side - 1u);
  let at = vec2u(row % side + tap % 3u, row / side + tap / 3u) - 1u; // wraps to a large number on the left and above
  let inside = KERNEL == 1u || all(at < vec2u(side));
  let pixel = select(row, at.y * side + at.x, KERNEL == 3u && inside);
  return Source(select(pixel, finer(pixel, side), POOL) * (INNER / 4u), select(0.0, 1.0, inside));
}

fn input(pixel: Source, k: u32, below: u32, scale: vec4f, shift: vec4f) -> vec4f {
  let at = pixel.at + k;
  var v = x[at];
  if (POOL) { v = max(max(v, x[at + INNER / 4u]), max(x[at + below], x[at + below + INNER / 4u])); }
  if (PREACTIVATION) { v = max(v * scale + shift, vec4f()); }
  return v * pixel.live;
}

@compute @workgroup_size(THREADS)
fn convDirect(@builtin(workgroup_id) tile: vec3u, @builtin(local_invocation_index) thread: u32) {
  let side = sideOf(rowsOfY());
  let below = 2u * side * (INNER / 4u);
  let column = thread % 4u;
  let row = tile.y * TILE_ROWS + thread / 4u * 14u;
  var a0: vec4f; var b0: vec4f; var e0: vec4f; var d0: vec4f; var a1: vec4f; var b1: vec4f; var e1: vec4f; var d1: vec4f;
  var a2: vec4f; var b2: vec4f; var e2: vec4f; var d2: vec4f; var a3: vec4f; var b3: vec4f; var e3: vec4f; var d3: vec4f;
  var a4: vec4f; var b4: vec4f; var e4: vec4f; var d4: vec4f; var a5: vec4f; var b5: vec4f; var e5: vec4f; var d5: vec4f;
  var a6: vec4f; var b6: vec4f; var e6: vec4f; var d6: vec4f; var a7: vec4f; var b7: vec4f; var e7: vec4f; var d7: vec4f;
  var a8: vec4f; var b8: vec4f; var e8: vec4f; var d8: vec4f; var a9: vec4f; var b9: vec4f; var e9: vec4f; var d9: vec4f;
  var a10: vec4f; var b10: vec4f; var e10: vec4f; var d10: vec4f; var a11: vec4f; var b11: vec4f; var e11: vec4f; var d11: vec4f;
  var a12: vec4f; var b12: vec4f; var e12: vec4f; var d12: vec4f; var a13: vec4f; var b13: vec4f; var e13: vec4f; var d13: vec4f;
  for (var tap = 0u; tap < KERNEL * KERNEL; tap++) {
    let p0 = source(row, side, tap); let p1 = source(row + 1u, side, tap);
    let p2 = source(row + 2u, side, tap); let p3 = source(row + 3u, side, tap);
    let p4 = source(row + 4u, side, tap); let p5 = source(row + 5u, side, tap);
    let p6 = source(row + 6u, side, tap); let p7 = source(row + 7u, side, tap);
    let p8 = source(row + 8u, side, tap); let p9 = source(row + 9u, side, tap);
    let p10 = source(row + 10u, side, tap); let p11 = source(row + 11u, side, tap);
    let p12 = source(row + 12u, side, tap); let p13 = source(row + 13u, side, tap);
    for (var k = 0u; k < INNER / 4u; k++) {
      let at = ((tile.x * KERNEL * KERNEL + tap) * INNER + k * 4u) * 16u + column;
      let wa = mat4x4f(vec4f(w[at]), vec4f(w[at + 16u]), vec4f(w[at + 32u]), vec4f(w[at + 48u]));
      let wb = mat4x4f(vec4f(w[at + 4u]), vec4f(w[at + 20u]), vec4f(w[at + 36u]), vec4f(w[at + 52u]));
      let wc = mat4x4f(vec4f(w[at + 8u]), vec4f(w[at + 24u]), vec4f(w[at + 40u]), vec4f(w[at + 56u]));
      let wd = mat4x4f(vec4f(w[at + 12u]), vec4f(w[at + 28u]), vec4f(w[at + 44u]), vec4f(w[at + 60u]));
      var scale: vec4f;
      var shift: vec4f;
      if (PREACTIVATION) { scale = s[k]; shift = s[INNER / 4u + k]; }
      let x0 = input(p0, k, below, scale, shift);
      a0 += wa * x0; b0 += wb * x0; e0 += wc * x0; d0 += wd * x0;
      let x1 = input(p1, k, below, scale, shift);
      a1 += wa * x1; b1 += wb * x1; e1 += wc * x1; d1 += wd * x1;
      let x2 = input(p2, k, below, scale, shift);
      a2 += wa * x2; b2 += wb * x2; e2 += wc * x2; d2 += wd * x2;
      let x3 = input(p3, k, below, scale, shift);
      a3 += wa * x3; b3 += wb * x3; e3 += wc * x3; d3 += wd * x3;
      let x4 = input(p4, k, below, scale, shift);
      a4 += wa * x4; b4 += wb * x4; e4 += wc * x4; d4 += wd * x4;
      let x5 = input(p5, k, below, scale, shift);
      a5 += wa * x5; b5 += wb * x5; e5 += wc * x5; d5 += wd * x5;
      let x6 = input(p6, k, below, scale, shift);
      a6 += wa * x6; b6 += wb * x6; e6 += wc * x6; d6 += wd * x6;
      let x7 = input(p7, k, below, scale, shift);
      a7 += wa * x7; b7 += wb * x7; e7 += wc * x7; d7 += wd * x7;
      let x8 = input(p8, k, below, scale, shift);
      a8 += wa * x8; b8 += wb * x8; e8 += wc * x8; d8 += wd * x8;
      let x9 = input(p9, k, below, scale, shift);
      a9 += wa * x9; b9 += wb * x9; e9 += wc * x9; d9 += wd * x9;
      let x10 = input(p10, k, below, scale, shift);
      a10 += wa * x10; b10 += wb * x10; e10 += wc * x10; d10 += wd * x10;
      let x11 = input(p11, k, below, scale, shift);
      a11 += wa * x11; b11 += wb * x11; e11 += wc * x11; d11 += wd * x11;
      let x12 = input(p12, k, below, scale, shift);
      a12 += wa * x12; b12 += wb * x12; e12 += wc * x12; d12 += wd * x12;
      let x13 = input(p13, k, below, scale, shift);
      a13 += wa * x13; b13 += wb * x13; e13 += wc * x13; d13 += wd * x13;
    }
  }
  // One loop over an array, not 56 calls: every call is inlined, and compiling would take twice as long.
  var sums = array<vec4f, 56>(
    a0, b0, e0, d0, a1, b1, e1, d1, a2, b2, e2, d2, a3, b3, e3, d3,
    a4, b4, e4, d4, a5, b5, e5, d5, a6, b6, e6, d6, a7, b7, e7, d7,
    a8, b8, e8, d8, a9, b9, e9, d9, a10, b10, e10, d10, a11, b11, e11, d11,
    a12, b12, e12, d12, a13, b13, e13, d13,
  );
  for (var i = 0u; i < 56u; i++) { store(row + i / 4u, side, tile.x * 16u + column + i % 4u * 4u, sums[i]); }
}
