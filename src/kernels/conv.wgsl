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
const AHEAD = 1u; // 0: a step is read when it is due, which takes fewer registers
const QUADS = TILE_K / 4u;
const X_EACH = (7u * QUADS + 7u) / 8u; // vec4 of a step that a thread brings
const W_EACH = 8u * QUADS / ROW_GROUPS;

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

// As in matmul: indexes that are constant need no check of their bounds, and `min` says of others what compilers cannot prove.
var<workgroup> xTile: array<array<array<vec4f, QUADS>, 7>, ROW_GROUPS>; // [group][row][k / 4]
var<workgroup> wTile: array<array<array<vec4f, 8>, 8>, QUADS>; // [k / 4][k % 4, half][column]

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

// Of a step a thread brings every eighth vec4 of its group's pixels, all of the same four channels, and its column of some rows of w: read
// while the step before is multiplied, and put into workgroup memory after it.
struct Part {
  x: array<vec4f, X_EACH>,
  inside: array<bool, X_EACH>,
  scale: vec4f,
  shift: vec4f,
  w: array<vec4f, W_EACH>,
}

fn fetch(map: Map, row0: u32, tileW: u32, k: u32, lane: u32) -> Part {
  var part = Part();
  let tap = k / INNER;
  let quad = k % INNER / 4u + lane % QUADS;
  let quads = INNER / 4u;
  for (var i = 0u; i < X_EACH; i++) {
    var pixel = min(row0 + lane % 8u / QUADS + i * (8u / QUADS), map.rows - 1u);
    part.inside[i] = true;
    if (KERNEL == 3u) {
      let at = vec2u(pixel % map.side + tap % 3u, pixel / map.side + tap / 3u); // plus 1, so that it is never negative
      part.inside[i] = all(at > vec2u()) && all(at <= vec2u(map.side));
      let near = clamp(at, vec2u(1u), vec2u(map.side)) - 1u;
      pixel = near.y * map.side + near.x;
    }
    let first = select(map.image * map.rows + pixel, finer(map, pixel), POOL) * quads + quad;
    part.x[i] = vec4f(x[first]);
    if (POOL) {
      let below = first + 2u * map.side * quads;
      part.x[i] = max(max(part.x[i], vec4f(x[first + quads])), vec4f(max(x[below], x[below + quads])));
    }
  }
  if (PREACTIVATION) { part.scale = s[quad]; part.shift = s[quads + quad]; }
  for (var i = 0u; i < W_EACH; i++) { part.w[i] = vec4f(w[tileW + k * 16u + lane + i * THREADS]); }
  return part;
}

@compute @workgroup_size(THREADS)
fn conv(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let all = KERNEL * KERNEL * INNER;
  let map = mapOf(tile.z, grid.z);
  let row0 = tile.y * TILE_ROWS;
  let column = min(thread % 8u, 7u);
  let group = min(thread / 8u, ROW_GROUPS - 1u);
  var a0 = mat2x4f(); var a1 = a0; var a2 = a0; var a3 = a0; var a4 = a0; var a5 = a0; var a6 = a0;
  let tileW = tile.x * all * 16u;
  var next = fetch(map, row0 + group * 7u, tileW, 0u, thread);
  for (var k0 = 0u; k0 < all; k0 += TILE_K) {
    if (AHEAD == 0u) { next = fetch(map, row0 + group * 7u, tileW, k0, thread); }
    for (var i = 0u; i < X_EACH; i++) {
      let item = column + i * 8u;
      if (PREACTIVATION) { next.x[i] = max(next.x[i] * next.scale + next.shift, vec4f()); }
      if (item < 7u * QUADS) { xTile[group][item / QUADS][item % QUADS] = select(vec4f(), next.x[i], next.inside[i]); }
    }
    for (var i = 0u; i < W_EACH; i++) { let item = group + i * ROW_GROUPS; wTile[item / 8u][item % 8u][column] = next.w[i]; }
    workgroupBarrier();
    if (AHEAD == 1u) { next = fetch(map, row0 + group * 7u, tileW, min(k0 + TILE_K, all - TILE_K), thread); } // at last once more, for nothing
    for (var k = 0u; k < TILE_K / 4u; k++) {
      let q = min(k, QUADS - 1u); let wk = &wTile[q]; let xk = &xTile[group];
      let w0 = mat2x4f(wk[0][column], wk[1][column]); let w1 = mat2x4f(wk[2][column], wk[3][column]);
      let w2 = mat2x4f(wk[4][column], wk[5][column]); let w3 = mat2x4f(wk[6][column], wk[7][column]);
      let x0 = xk[0][q]; a0 += x0.x * w0; a0 += x0.y * w1; a0 += x0.z * w2; a0 += x0.w * w3;
      let x1 = xk[1][q]; a1 += x1.x * w0; a1 += x1.y * w1; a1 += x1.z * w2; a1 += x1.w * w3;
      let x2 = xk[2][q]; a2 += x2.x * w0; a2 += x2.y * w1; a2 += x2.z * w2; a2 += x2.w * w3;
      let x3 = xk[3][q]; a3 += x3.x * w0; a3 += x3.y * w1; a3 += x3.z * w2; a3 += x3.w * w3;
      let x4 = xk[4][q]; a4 += x4.x * w0; a4 += x4.y * w1; a4 += x4.z * w2; a4 += x4.w * w3;
      let x5 = xk[5][q]; a5 += x5.x * w0; a5 += x5.y * w1; a5 += x5.z * w2; a5 += x5.w * w3;
      let x6 = xk[6][q]; a6 += x6.x * w0; a6 += x6.y * w1; a6 += x6.z * w2; a6 += x6.w * w3;
    }
    workgroupBarrier();
  }
  var sums = array<mat2x4f, 7>(a0, a1, a2, a3, a4, a5, a6);
  for (var i = 0u; i < 7u; i++) {
    store(map, row0 + group * 7u + i, tile.x * 16u + column, sums[i][0]);
    store(map, row0 + group * 7u + i, tile.x * 16u + column + 8u, sums[i][1]);
  }
}
