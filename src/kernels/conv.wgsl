// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c): a KERNEL x KERNEL convolution of stride 1 that keeps the size, and all
// that stands around it in an hourglass block. pre(x) = max(x s[0] + s[1], 0), the batch norm and ReLU before it.
//
// x [images * side^2, INNER], y [images * side^2, COLS]; pool is the 2x2 maximum of a map of twice the side, up2 repeats each pixel
// of one of half the side. A matrix product whose inner index is tap, then channel: w packed as [COLS/64][KERNEL^2 INNER][64]. Tiles
// of one image: 7 rows by 8 columns a thread, from workgroup memory, into which each tap's pixels are gathered; those outside are 0.
alias elem = f32;
alias weight = f32;

const ROW_GROUPS = 8u;
const TILE_ROWS = 7u * ROW_GROUPS;
const THREADS = 8u * ROW_GROUPS;
const TILE_K = 16u;

override INNER: u32;
override COLS: u32;
override KERNEL: u32; // 1 or 3
override PREACTIVATION: bool;
override RELU: bool;
override POOL: bool;
override RESIDUAL: u32; // 0 none, 1 r, 2 the 2x2 maxima of r
override COARSE: bool;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> s: array<vec4f>;
@group(0) @binding(4) var<storage, read> r: array<vec4<elem>>;
@group(0) @binding(5) var<storage, read> c: array<vec4<elem>>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<elem>>;

var<workgroup> xTile: array<vec4f, TILE_ROWS * TILE_K / 4u>; // [row][k/4]
var<workgroup> wTile: array<vec4f, TILE_K * 16u>;            // [k][column/4]

// Rows and side come from the length of y and the grid, whose z are the images: maps of every size, and any number of them, share a
// pipeline.
struct Map { image: u32, side: u32, rows: u32 }

fn mapOf(image: u32, images: u32) -> Map {
  let rows = arrayLength(&y) / (COLS / 4u) / images;
  return Map(image, u32(sqrt(f32(rows)) + 0.5), rows);
}

// The upper left one, of a map of twice the side, of a pixel's four.
fn finer(map: Map, row: u32) -> u32 { return 4u * map.image * map.rows + row / map.side * 4u * map.side + row % map.side * 2u; }

fn store(map: Map, row: u32, column: u32, sum: vec4f) {
  let quads = COLS / 4u;
  let at = (map.image * map.rows + row) * quads + column;
  if (row >= map.rows || column >= quads) { return; }
  var v = sum + b[column];
  if (RELU) { v = max(v, vec4f()); }
  if (RESIDUAL == 1u) { v += vec4f(r[at]); }
  if (RESIDUAL == 2u) {
    let first = finer(map, row) * quads + column;
    let below = first + 2u * map.side * quads;
    v += vec4f(max(max(r[first], r[first + quads]), max(r[below], r[below + quads])));
  }
  if (COARSE) {
    let half = map.side / 2u;
    v += vec4f(c[(map.image * half * half + row / map.side / 2u * half + row % map.side / 2u) * quads + column]);
  }
  y[at] = vec4<elem>(v);
}

fn input(map: Map, row: u32, tap: u32, quad: u32) -> vec4f {
  let quads = INNER / 4u;
  var pixel = row;
  if (KERNEL == 3u) {
    let at = vec2u(row % map.side + tap % 3u, row / map.side + tap / 3u); // plus 1, so that it is never negative
    if (any(at == vec2u()) || any(at > vec2u(map.side))) { return vec4f(); }
    pixel = (at.y - 1u) * map.side + at.x - 1u;
  }
  let first = select(map.image * map.rows + pixel, finer(map, pixel), POOL) * quads + quad;
  var v = vec4f(x[first]);
  if (POOL) {
    let below = first + 2u * map.side * quads;
    v = max(max(v, vec4f(x[first + quads])), vec4f(max(x[below], x[below + quads])));
  }
  if (PREACTIVATION) { v = max(v * s[quad] + s[quads + quad], vec4f()); }
  return v;
}

@compute @workgroup_size(THREADS)
fn conv(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let all = KERNEL * KERNEL * INNER;
  let map = mapOf(tile.z, grid.z);
  let row0 = tile.y * TILE_ROWS;
  let column = thread % 8u;
  let rows = thread / 8u * 7u;
  var a0 = mat2x4f(); var a1 = mat2x4f(); var a2 = mat2x4f(); var a3 = mat2x4f();
  var a4 = mat2x4f(); var a5 = mat2x4f(); var a6 = mat2x4f();
  for (var k0 = 0u; k0 < all; k0 += TILE_K) {
    for (var i = thread; i < TILE_ROWS * TILE_K / 4u; i += THREADS) {
      let row = min(row0 + i / (TILE_K / 4u), map.rows - 1u);
      xTile[i] = input(map, row, k0 / INNER, k0 % INNER / 4u + i % (TILE_K / 4u));
    }
    for (var i = thread; i < TILE_K * 16u; i += THREADS) {
      wTile[i] = vec4f(w[(tile.x * all + k0) * 16u + i]);
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
  var sums = array<mat2x4f, 7>(a0, a1, a2, a3, a4, a5, a6);
  for (var i = 0u; i < 7u; i++) {
    store(map, row0 + rows + i, tile.x * 16u + column, sums[i][0]);
    store(map, row0 + rows + i, tile.x * 16u + column + 8u, sums[i][1]);
  }
}
