// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n]
//
// x [ROWS, INNER], y [ROWS, COLS], w packed as [COLS/64][INNER][64] (the rows of one 64-column tile side by side, so that a
// tile's slice is one run of memory). Tiles on 7 rows because every map of Swin at 224 has a multiple of 49 rows; a thread
// holds 7 rows by 8 columns, fed from workgroup memory: 28 multiply-adds for every vec4 read.
//
// A row of a stream carries, behind its channels, (mean, M2, 0, 0) of each 64 of them, M2 the sum of squared differences from the
// mean. NORM merges those exactly and normalises rows as they are read: no pass over x, and nothing cancels as E[x^2] - E[x]^2
// does. STREAM writes them. SPLIT threads share the inner dimension of a tile where tiles are too few to fill a GPU.
alias input = f32;
alias weight = f32;
alias added = f32;
alias output = f32;

const ROW_GROUPS = 8u;
const SPLIT = 1u;
const TILE_K = 16u;
const TILE_ROWS = 7u * ROW_GROUPS;
const SHARE = 8u * ROW_GROUPS; const THREADS = SHARE * SPLIT; // threads of one share of the inner dimension, and all
const X_QUADS = TILE_K / 4u; const X_STEP = X_QUADS + TILE_K / 16u; // a vec4 of padding where else a wave would read from few banks
const W_TILE = TILE_ROWS * X_STEP; const SHARE_QUADS = W_TILE + TILE_K * 16u;

override INNER: u32;
override COLS: u32;
override X_ROW: u32; // vec4 from a row of x to the next
override SIDE: u32; // not 0: a row is 2x2 neighbours in a map of that side, in the order (0,0), (1,0), (0,1), (1,1)
override NORM: bool;
override EPS: f32;
override ACTIVATION: u32; // 0 none, 1 GELU, 2 ReLU
override RESIDUAL: u32; // 0 none, 1 r, 2 r again and again
override STREAM: bool; // y, and r where it is added, are streams

@group(0) @binding(0) var<storage, read> x: array<vec4<input>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> r: array<vec4<added>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<output>>;

// Of each share x [row][k/4], then w [k][column/4]; after the last step, what threads tell each other.
var<workgroup> tiles: array<vec4f, SHARE_QUADS * SPLIT>;
var<workgroup> moments: array<vec2f, TILE_ROWS>; // of rows: mean, 1 / deviation

fn yRow() -> u32 { return COLS / 4u + select(0u, COLS / 64u, STREAM); }
// First vec4 of the pixel of x that holds `quad` of a row, and the quad's place in the pixel.
fn source(row: u32, quad: u32) -> vec2u {
  if (SIDE == 0u) { return vec2u(row * X_ROW, quad); }
  let half = max(SIDE, 2u) / 2u; // Firefox refuses a remainder by a constant 0 that nothing reaches
  let cell = row % (half * half);
  let neighbour = quad / (INNER / 16u);
  let pixel = row / (half * half) * SIDE * SIDE + (cell / half * 2u + neighbour % 2u) * SIDE + cell % half * 2u + neighbour / 2u;
  return vec2u(pixel * X_ROW, quad % (INNER / 16u));
}

// Mean and 1 / deviation of a row from those of its parts (Chan et al. 1979).
fn momentsOf(row: u32) -> vec2f {
  let behind = select(INNER / 4u, INNER / 16u, SIDE > 0u);
  var mean = 0.0; var squares = 0.0;
  for (var i = 0u; i < INNER / 64u; i++) {
    let at = source(row, i * 16u);
    let part = vec4f(x[at.x + behind + at.y / 16u]);
    let d = part.x - mean;
    mean += d / f32(i + 1u);
    squares += part.y + d * d * 64.0 * f32(i) / f32(i + 1u);
  }
  return vec2f(mean, inverseSqrt(squares / f32(INNER) + EPS));
}

// Abramowitz and Stegun 7.1.26: erf to 1.5e-7. WGSL has none, and the tanh form is off by 5e-4.
fn gelu(v: vec4f) -> vec4f {
  let z = abs(v) * 0.70710678118654752; let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * exp(-z * z);
  let far = select(tail, vec4f(), z > vec4f(5.0)); // below 1e-12: no denormals, which CPUs multiply slowly
  return 0.5 * v * select(2.0 - far, far, v < vec4f());
}

// Stores one vec4 of y, and gives what it stored.
fn store(row: u32, last: u32, column: u32, sum: vec4f) -> vec4f {
  if (row > last || column * 4u >= COLS) { return vec4f(); }
  var v = sum + b[column];
  if (ACTIVATION == 1u) { v = gelu(v); }
  if (ACTIVATION == 2u) { v = max(v, vec4f()); }
  let at = row * yRow() + column;
  if (RESIDUAL > 0u) { v += vec4f(r[select(at, at % arrayLength(&r), RESIDUAL == 2u)]); }
  y[at] = vec4<output>(v);
  return v;
}

@compute @workgroup_size(THREADS)
fn matmul(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let rowsOfZ = arrayLength(&y) / yRow() / grid.z; // of images with a weight each, which then are the grid's z
  let row0 = tile.z * rowsOfZ + tile.y * TILE_ROWS;
  let last = (tile.z + 1u) * rowsOfZ - 1u;
  let share = thread / SHARE; let lane = thread % SHARE; let column = lane % 8u; let rows = lane / 8u * 7u;
  if (NORM) {
    for (var i = thread; i < TILE_ROWS; i += THREADS) { moments[i] = momentsOf(min(row0 + i, last)); }
    workgroupBarrier();
  }
  let xs = share * SHARE_QUADS; let ws = xs + W_TILE;
  var a0 = mat2x4f(); var a1 = mat2x4f(); var a2 = mat2x4f(); var a3 = mat2x4f();
  var a4 = mat2x4f(); var a5 = mat2x4f(); var a6 = mat2x4f();
  for (var step = 0u; step < INNER / SPLIT; step += TILE_K) {
    let k0 = share * (INNER / SPLIT) + step;
    for (var i = lane; i < TILE_ROWS * X_QUADS; i += SHARE) {
      let row = i / X_QUADS;
      let at = source(min(row0 + row, last), k0 / 4u + i % X_QUADS);
      var v = vec4f(x[at.x + at.y]);
      if (NORM) { v = (v - moments[row].x) * moments[row].y; }
      tiles[xs + row * X_STEP + i % X_QUADS] = v;
    }
    for (var i = lane; i < TILE_K * 16u; i += SHARE) { tiles[ws + i] = vec4f(w[((tile.z * grid.x + tile.x) * INNER + k0) * 16u + i]); }
    workgroupBarrier();
    for (var k = 0u; k < X_QUADS; k++) {
      let at = ws + k * 64u + column;
      let w0 = mat2x4f(tiles[at], tiles[at + 8u]);
      let w1 = mat2x4f(tiles[at + 16u], tiles[at + 24u]);
      let w2 = mat2x4f(tiles[at + 32u], tiles[at + 40u]);
      let w3 = mat2x4f(tiles[at + 48u], tiles[at + 56u]);
      let first = xs + rows * X_STEP + k;
      let x0 = tiles[first]; a0 += x0.x * w0; a0 += x0.y * w1; a0 += x0.z * w2; a0 += x0.w * w3;
      let x1 = tiles[first + X_STEP]; a1 += x1.x * w0; a1 += x1.y * w1; a1 += x1.z * w2; a1 += x1.w * w3;
      let x2 = tiles[first + 2u * X_STEP]; a2 += x2.x * w0; a2 += x2.y * w1; a2 += x2.z * w2; a2 += x2.w * w3;
      let x3 = tiles[first + 3u * X_STEP]; a3 += x3.x * w0; a3 += x3.y * w1; a3 += x3.z * w2; a3 += x3.w * w3;
      let x4 = tiles[first + 4u * X_STEP]; a4 += x4.x * w0; a4 += x4.y * w1; a4 += x4.z * w2; a4 += x4.w * w3;
      let x5 = tiles[first + 5u * X_STEP]; a5 += x5.x * w0; a5 += x5.y * w1; a5 += x5.z * w2; a5 += x5.w * w3;
      let x6 = tiles[first + 6u * X_STEP]; a6 += x6.x * w0; a6 += x6.y * w1; a6 += x6.z * w2; a6 += x6.w * w3;
    }
    workgroupBarrier();
  }
  var sums = array<mat2x4f, 7>(a0, a1, a2, a3, a4, a5, a6);
  for (var i = 0u; SPLIT > 1u && i < 7u; i++) { // row by row, so that a step's room is room enough
    let at = 2u * (thread - min(thread, SHARE));
    if (share > 0u) { tiles[at] = sums[i][0]; tiles[at + 1u] = sums[i][1]; }
    workgroupBarrier();
    for (var s = 0u; s + 1u < SPLIT; s++) { sums[i] += mat2x4f(tiles[2u * (s * SHARE + lane)], tiles[2u * (s * SHARE + lane) + 1u]); }
    workgroupBarrier();
  }
  for (var i = 0u; share == 0u && i < 7u; i++) {
    let c = tile.x * 16u + column;
    let v = mat2x4f(store(row0 + rows + i, last, c, sums[i][0]), store(row0 + rows + i, last, c + 8u, sums[i][1]));
    let mean = dot(v[0] + v[1], vec4f(0.125));
    let d = mat2x4f(v[0] - mean, v[1] - mean);
    if (STREAM) { tiles[(rows + i) * 8u + column] = vec4f(mean, dot(d[0], d[0]) + dot(d[1], d[1]), 0.0, 0.0); }
  }
  workgroupBarrier();
  if (!STREAM || thread >= TILE_ROWS || row0 + thread > last) { return; }
  var sum = vec4f(); for (var i = 0u; i < 8u; i++) { sum += tiles[thread * 8u + i]; }
  let mean = sum.x / 8.0;
  for (var i = 0u; i < 8u; i++) { let d = tiles[thread * 8u + i].x - mean; sum.y += 8.0 * d * d; }
  y[(row0 + thread) * yRow() + COLS / 4u + tile.x] = vec4<output>(vec4f(mean, sum.y, 0.0, 0.0));
}
