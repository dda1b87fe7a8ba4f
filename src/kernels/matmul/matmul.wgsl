// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n]
//
// x [rows, INNER], y [rows, COLS], w packed as [COLS/64][INNER][64] (the rows of one block of 64 columns side by side). A workgroup makes a tile of
// TILE_ROWS by 4 TILE_QUADS, a thread ROWS by 4 QUADS of it, fed from workgroup memory; it reads its part of the next step while it multiplies.
// Few sums a thread and many threads: one wave alone reaches a fifth of what a processor can issue.
//
// A row of a stream carries, behind its channels, (mean, M2, 0, 0) of each 64 of them, M2 the sum of squared differences from the mean. NORM
// merges those exactly and normalises rows as they are read: no pass over x, and nothing cancels as E[x^2] - E[x]^2 does. STREAM writes them.
// SHARES of the inner dimension, each a z of the grid, where tiles are too few to fill a GPU: y is then [SHARES][rows, COLS] of mere sums, which
// sumShares adds up, or who reads them, for whom the first has b. Without shares the grid's z are images that have a weight each.

const TILE_ROWS = 32u;
const TILE_QUADS = 16u;
const ROWS = 4u;
const QUADS = 1u;
const TILE_K = 16u;
const AHEAD = 1u; // 0: a step is read when it is due, which takes fewer registers

const BLOCKS = TILE_QUADS / 16u; // of 64 columns, of a tile
const PAIRS = TILE_K / DOWN; // of a thread's rows, whose moments have room in a step of w
const HELD = 2u * PAIRS;
const TURNS = (ROWS + HELD - 1u) / HELD;

override SHARES: u32; // of INNER, over the grid's z
override BIASED: bool; // the first share has b

var<workgroup> moments: array<vec2f, TILE_ROWS>;

// Where a thread reads: its tile's first row of x and the last that there is, the first k, and its own first vec4 of w.
struct Tile { row: u32, last: u32, k: u32, w: u32 }

// What a thread brings of a step.
struct Part { x: array<vec4f, X_EACH>, w: array<vec4f, W_EACH> }

fn fetch(tile: Tile, step: u32, thread: u32) -> Part {
  var part = Part();
  let k = tile.k + step;
  for (var i = 0u; i < X_EACH; i++) { // unroll
    let item = min(thread + i * THREADS, X_ITEMS - 1u);
    let at = source(min(tile.row + item / STEP, tile.last), k / 4u); // a step has one neighbour
    part.x[i] = vec4f(x[at.x + at.y + item % STEP]);
  }
  for (var i = 0u; i < W_EACH; i++) { // unroll
    part.w[i] = vec4f(w[tile.w + (step + i * (THREADS / TILE_QUADS)) * 16u]); // beyond a step, where its items are fewer, for nothing
  }
  return part;
}

@compute @workgroup_size(THREADS)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let place = placeOf(thread);
  let column = place.x;
  let down = place.y;
  let rowsOfZ = arrayLength(&y) / yRow() / grid.z; // of y: those of a share, or of an image with a weight of its own
  let isShare = SHARES > 1u;
  let firstOfX = select(group.z * rowsOfZ, 0u, isShare);
  let inner = INNER / SHARES;
  let k0 = select(0u, group.z * inner, isShare);
  let blocks = select(group.z * ((COLS + 63u) / 64u), 0u, isShare); // of 64 columns, of the weights before
  let quad = group.x * TILE_QUADS + thread % TILE_QUADS;
  let firstOfW = ((blocks + quad / 16u) * INNER + k0 + thread / TILE_QUADS) * 16u + quad % 16u;
  let tile = Tile(firstOfX + group.y * TILE_ROWS, firstOfX + rowsOfZ - 1u, k0, firstOfW);
  var norms = array<vec2f, X_EACH>(); // of the rows that the thread brings: what to multiply with, and to add
  if (NORM) {
    if (thread < TILE_ROWS) {
      moments[thread] = momentsOf(min(tile.row + thread, tile.last)); // mean, 1 / deviation
    }
    workgroupBarrier();
    for (var i = 0u; i < X_EACH; i++) { // unroll
      let m = moments[min((thread + i * THREADS) / STEP, TILE_ROWS - 1u)];
      norms[i] = vec2f(m.y, -m.x * m.y);
    }
  }
  var sums = array<vec4f, SUMS>();
  var next = fetch(tile, 0u, thread);
  for (var step = 0u; step < inner; step += TILE_K) {
    if (AHEAD == 0u) {
      next = fetch(tile, step, thread);
    }
    for (var i = 0u; i < X_EACH; i++) { // unroll
      var v = next.x[i];
      if (NORM) {
        v = v * norms[i].x + norms[i].y;
      }
      putX(thread, i, v);
    }
    for (var i = 0u; i < W_EACH; i++) { // unroll
      putW(thread, i, next.w[i]);
    }
    workgroupBarrier();
    if (AHEAD == 1u) {
      next = fetch(tile, min(step + TILE_K, inner - TILE_K), thread); // at last once more, for nothing
    }
    multiply(place, &sums);
    workgroupBarrier();
  }
  let row0 = group.z * rowsOfZ + group.y * TILE_ROWS + down * ROWS; // of y
  let last = group.z * rowsOfZ + rowsOfZ - 1u;
  for (var i = 0u; i < ROWS; i++) { // unroll
    for (var v = 0u; v < QUADS; v++) { // unroll
      let quad = group.x * TILE_QUADS + v * ACROSS + column;
      if (!isShare) {
        sums[i * QUADS + v] = store(row0 + i, last, quad, sums[i * QUADS + v]);
      } else if (row0 + i <= last && quad * 4u < COLS) {
        if (BIASED && group.z == 0u) {
          sums[i * QUADS + v] += b[quad];
        }
        y[(row0 + i) * yRow() + quad] = vec4<output>(sums[i * QUADS + v]);
      }
    }
  }
  if (!STREAM) {
    return;
  }
  // Threads tell each other the moments of their quads, HELD rows of each at a time, two of them in a vec4; a row of 64 columns is one thread's then.
  for (var turn = 0u; turn < TURNS; turn++) { // unroll
    for (var pair = 0u; pair < PAIRS; pair++) { // unroll
      let slot = down * PAIRS + pair;
      for (var v = 0u; v < QUADS; v++) { // unroll
        let upper = momentsOfQuad(sums[min(turn * HELD + 2u * pair, ROWS - 1u) * QUADS + v]);
        let lower = momentsOfQuad(sums[min(turn * HELD + 2u * pair + 1u, ROWS - 1u) * QUADS + v]);
        ws[slot / 4u][slot % 4u][v][column] = vec4f(upper, lower);
      }
    }
    workgroupBarrier();
    let own = column % HELD;
    let row = row0 + turn * HELD + own;
    let blockOfY = group.x * BLOCKS + column / HELD; // of 64 columns, among y's
    if (column < HELD * BLOCKS && turn * HELD + own < ROWS && row <= last && blockOfY * 64u < COLS) {
      let slot = down * PAIRS + own / 2u;
      let first = column / HELD * 16u;
      var sum = vec2f();
      for (var j = 0u; j < 16u; j++) { // nounroll
        let both = ws[slot / 4u][slot % 4u][(first + j) / ACROSS][(first + j) % ACROSS];
        sum += select(both.xy, both.zw, own % 2u == 1u);
      }
      let mean = sum.x / 16.0;
      for (var j = 0u; j < 16u; j++) { // nounroll
        let both = ws[slot / 4u][slot % 4u][(first + j) / ACROSS][(first + j) % ACROSS];
        let d = select(both.x, both.z, own % 2u == 1u) - mean;
        sum.y += 4.0 * d * d;
      }
      y[row * yRow() + COLS / 4u + blockOfY] = vec4<output>(vec4f(mean, sum.y, 0.0, 0.0));
    }
    if (turn < TURNS - 1u) {
      workgroupBarrier(); // before the moments of the next rows
    }
  }
}
