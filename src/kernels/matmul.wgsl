// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n]
//
// x [ROWS, INNER], y [ROWS, COLS], w packed as [COLS/64][INNER][64] (the rows of one 64-column tile side by side, so that a
// tile's slice is one run of memory). Tiles on 7 rows because every map of Swin at 224 has a multiple of 49 rows; a thread holds 7 rows
// by 8 columns, fed from workgroup memory, and reads its part of the next step while it multiplies: tiles are few, and no others would.
//
// A row of a stream carries, behind its channels, (mean, M2, 0, 0) of each 64 of them, M2 the sum of squared differences from the mean.
// NORM merges those exactly and normalises rows as they are read: no pass over x, and nothing cancels as E[x^2] - E[x]^2 does. STREAM
// writes them. SPLIT threads share the inner dimension of a tile where tiles are too few to fill a GPU.
alias input = f32;
alias weight = f32;
alias added = f32;
alias output = f32;
const ROW_GROUPS = 8u;
const SPLIT = 1u;
const TILE_K = 16u;
const AHEAD = 1u; // 0: a step is read when it is due, which takes fewer registers
const TILE_ROWS = 7u * ROW_GROUPS; const SHARE = 8u * ROW_GROUPS; const THREADS = SHARE * SPLIT; // threads of one share of the inner dimension, and all
const X_QUADS = TILE_K / 4u; const X_STEP = X_QUADS + TILE_K / 16u; // a vec4 of padding where else a wave would read from few banks
const X_EACH = (7u * X_QUADS + 7u) / 8u; const W_EACH = (8u * X_QUADS + ROW_GROUPS - 1u) / ROW_GROUPS; // vec4 of a step that a thread brings
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
// A step of a share; after the last one, what threads tell each other. An index that is constant needs no check of its bounds; of others
// `min` says to compilers what they cannot prove: no offset overflows, and constants become part of the loads.
struct Step {
  x: array<array<array<vec4f, X_STEP>, 7>, ROW_GROUPS>, // [group][row][k / 4]
  w: array<array<array<vec4f, 8>, 8>, X_QUADS>, // [k / 4][k % 4, half][column]
}
var<workgroup> steps: array<Step, SPLIT>;
var<workgroup> moments: array<vec2f, TILE_ROWS>; // of rows: mean, 1 / deviation
fn yRow() -> u32 { return COLS / 4u + select(0u, COLS / 64u, STREAM); }
// First vec4 of the pixel of x that holds `quad` of a row, and the quad's place in the pixel.
fn source(row: u32, quad: u32) -> vec2u {
  if (SIDE == 0u) { return vec2u(row * X_ROW, quad); }
  let half = max(SIDE, 2u) / 2u; let cell = row % (half * half); // Firefox refuses a remainder by a constant 0 that nothing reaches
  let neighbour = quad / (INNER / 16u);
  let pixel = row / (half * half) * SIDE * SIDE + (cell / half * 2u + neighbour % 2u) * SIDE + cell % half * 2u + neighbour / 2u;
  return vec2u(pixel * X_ROW, quad % (INNER / 16u));
}
// Mean and 1 / deviation of a row from those of its parts (Chan et al. 1979).
fn momentsOf(row: u32) -> vec2f {
  let behind = select(INNER / 4u, INNER / 16u, SIDE > 0u); var mean = 0.0; var squares = 0.0;
  for (var i = 0u; i < INNER / 64u; i++) {
    let at = source(row, i * 16u); let part = vec4f(x[at.x + behind + at.y / 16u]);
    let d = part.x - mean; mean += d / f32(i + 1u);
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
  if (ACTIVATION == 1u) { v = gelu(v); } if (ACTIVATION == 2u) { v = max(v, vec4f()); }
  let at = row * yRow() + column;
  if (RESIDUAL > 0u) { v += vec4f(r[select(at, at % arrayLength(&r), RESIDUAL == 2u)]); }
  y[at] = vec4<output>(v);
  return v;
}
// Of a step a thread brings every eighth vec4 of its group's rows of x, and its column of some rows of w.
struct Part { x: array<vec4f, X_EACH>, w: array<vec4f, W_EACH> }
fn fetch(row0: u32, last: u32, tileW: u32, k0: u32, lane: u32) -> Part {
  var part = Part();
  for (var i = 0u; i < X_EACH; i++) {
    let item = lane % 8u + i * 8u; let at = source(min(row0 + item / X_QUADS, last), k0 / 4u); // a step has one neighbour
    part.x[i] = vec4f(x[at.x + at.y + item % X_QUADS]);
  }
  for (var i = 0u; i < W_EACH; i++) { part.w[i] = vec4f(w[tileW + k0 * 16u + lane + i * SHARE]); }
  return part;
}

@compute @workgroup_size(THREADS)
fn matmul(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let rowsOfZ = arrayLength(&y) / yRow() / grid.z; // of images with a weight each, which then are the grid's z
  let row0 = tile.z * rowsOfZ + tile.y * TILE_ROWS; let last = (tile.z + 1u) * rowsOfZ - 1u;
  let share = min(thread / SHARE, SPLIT - 1u); let own = &steps[share]; let lane = thread % SHARE;
  let column = min(lane % 8u, 7u); let group = lane / 8u; let slot = vec2u(group / 8u, group % 8u); let rows = group * 7u;
  var norms = array<vec2f, X_EACH>(); // of the rows that the thread brings: what to multiply with, and to add
  if (NORM) {
    for (var i = thread; i < TILE_ROWS; i += THREADS) { moments[i] = momentsOf(min(row0 + i, last)); }
    workgroupBarrier();
    for (var i = 0u; i < X_EACH; i++) { let m = moments[rows + min((column + i * 8u) / X_QUADS, 6u)]; norms[i] = vec2f(m.y, -m.x * m.y); }
  }
  var a0 = mat2x4f(); var a1 = a0; var a2 = a0; var a3 = a0; var a4 = a0; var a5 = a0; var a6 = a0;
  let inner = INNER / SPLIT; let k0 = share * inner; let tileW = (tile.z * grid.x + tile.x) * INNER * 16u;
  var next = fetch(row0 + rows, last, tileW, k0, lane);
  for (var step = 0u; step < inner; step += TILE_K) {
    if (AHEAD == 0u) { next = fetch(row0 + rows, last, tileW, k0 + step, lane); }
    for (var i = 0u; i < X_EACH; i++) {
      let item = column + i * 8u; if (NORM) { next.x[i] = next.x[i] * norms[i].x + norms[i].y; }
      if (item < 7u * X_QUADS) { own.x[group][item / X_QUADS][item % X_QUADS] = next.x[i]; }
    }
    for (var i = 0u; i < W_EACH; i++) {
      let item = group + i * ROW_GROUPS; if (ROW_GROUPS * (i + 1u) <= 8u * X_QUADS || item < 8u * X_QUADS) { own.w[item / 8u][item % 8u][column] = next.w[i]; }
    }
    workgroupBarrier();
    if (AHEAD == 1u) { next = fetch(row0 + rows, last, tileW, k0 + min(step + TILE_K, inner - TILE_K), lane); } // at last once more, for nothing
    for (var k = 0u; k < TILE_K / 4u; k++) {
      let q = min(k, X_QUADS - 1u); let wk = &own.w[q]; let xk = &own.x[min(group, ROW_GROUPS - 1u)];
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
  for (var i = 0u; i <= 6u; i++) { // row by row, so that a step's room is room enough
    if (share > 0u) { own.x[group][column / 2u][column % 2u] = sums[i][0]; own.w[slot.x][slot.y][column] = sums[i][1]; }
    if (SPLIT > 1u) { workgroupBarrier(); }
    let row = row0 + rows + i; let c = tile.x * 16u + column;
    if (share == 0u) {
      for (var s = 1u; s < SPLIT; s++) { sums[i] += mat2x4f(steps[s].x[group][column / 2u][column % 2u], steps[s].w[slot.x][slot.y][column]); }
      let v = mat2x4f(store(row, last, c, sums[i][0]), store(row, last, c + 8u, sums[i][1]));
      let mean = dot(v[0] + v[1], vec4f(0.125)); let d = mat2x4f(v[0] - mean, v[1] - mean);
      if (STREAM) { own.w[slot.x][slot.y][column] = vec4f(mean, dot(d[0], d[0]) + dot(d[1], d[1]), 0.0, 0.0); }
    }
    if (STREAM || SPLIT > 1u) { workgroupBarrier(); }
    if (STREAM && share == 0u && column == i && row <= last) { // another thread's turn each row
      let parts = &own.w[slot.x][slot.y]; var sum = vec4f(); for (var j = 0u; j < 8u; j++) { sum += parts[j]; }
      let mean = sum.x / 8.0; for (var j = 0u; j < 8u; j++) { let d = parts[j].x - mean; sum.y += 8.0 * d * d; }
      y[row * yRow() + COLS / 4u + tile.x] = vec4<output>(vec4f(mean, sum.y, 0.0, 0.0));
    }
    if (STREAM && SPLIT == 1u) { workgroupBarrier(); } // before the parts of the next row
  }
}
