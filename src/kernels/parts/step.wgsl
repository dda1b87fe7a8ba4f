// One step of a tiled product: TILE_K of the inner index, of TILE_ROWS rows and TILE_QUADS times four columns. The threads of a workgroup bring it
// into workgroup memory together, and each multiplies ROWS rows by QUADS times four columns of it.
const ACROSS = TILE_QUADS / QUADS; // threads of a tile's columns, and of its rows
const DOWN = TILE_ROWS / ROWS;
const THREADS = ACROSS * DOWN;
const STEP = TILE_K / 4u; // vec4 of a row that a step takes
const X_ITEMS = TILE_ROWS * STEP; // vec4 of a step
const W_ITEMS = TILE_K * TILE_QUADS;
const X_EACH = (X_ITEMS + THREADS - 1u) / THREADS; // those that a thread brings
const W_EACH = (W_ITEMS + THREADS - 1u) / THREADS;
const SUMS = ROWS * QUADS;
const PAIR = 2u - DOWN % 2u;

// A step is laid out so that indexes are constant where they can be: they need no check of their bounds.
var<workgroup> xs: array<array<array<vec4f, DOWN + 1u>, STEP>, ROWS>; // [row][k / 4][thread's rows], with a vec4 of padding for other banks
var<workgroup> ws: array<array<array<array<vec4f, ACROSS>, QUADS>, 4>, STEP>; // [k / 4][k % 4][quad][thread's column]

// Where a thread is in its tile: its column, and how far down. Two neighbours have the same column, so that they read the same vec4 of w: a
// processor of NVIDIA's reads for both at once, which made products a tenth to a seventh faster.
fn placeOf(thread: u32) -> vec2u {
  let column = thread / PAIR % ACROSS;
  let down = thread / (PAIR * ACROSS) * PAIR + thread % PAIR;
  return vec2u(min(column, ACROSS - 1u), min(down, DOWN - 1u));
}

// Puts the i-th vec4 of x that a thread brings, four k of a row, where the workgroup reads it.
fn putX(thread: u32, i: u32, v: vec4f) {
  let item = thread + i * THREADS;
  if ((i + 1u) * THREADS <= X_ITEMS || item < X_ITEMS) {
    let row = item / STEP;
    xs[row % ROWS][item % STEP][row / ROWS] = v;
  }
}

// Puts the i-th vec4 of w that a thread brings where the workgroup reads it.
fn putW(thread: u32, i: u32, v: vec4f) {
  let item = thread + i * THREADS;
  if ((i + 1u) * THREADS <= W_ITEMS || item < W_ITEMS) {
    let k = item / TILE_QUADS;
    let quad = item % TILE_QUADS;
    ws[k / 4u][k % 4u][quad / ACROSS][quad % ACROSS] = v;
  }
}

// Adds a step to the sums of the thread at `place` in its tile.
fn multiply(place: vec2u, sums: ptr<function, array<vec4f, SUMS>>) {
  for (var q = 0u; q < STEP; q++) { // nounroll
    let all = &ws[min(q, STEP - 1u)];
    var columns = all[0][0][place.x]; // Mesa's compiler for NVIDIA moves sums to and fro where this is read behind the rows
    var values = array<vec4f, ROWS>();
    for (var i = 0u; i < ROWS; i++) { // unroll
      values[i] = xs[i][min(q, STEP - 1u)][place.y];
    }
    for (var c = 0u; c < 4u; c++) { // unroll
      for (var v = 0u; v < QUADS; v++) { // unroll
        if (c + v > 0u) {
          columns = all[c][v][place.x];
        }
        for (var i = 0u; i < ROWS; i++) { // unroll
          sums[i * QUADS + v] = fma(vec4f(values[i][c]), columns, sums[i * QUADS + v]);
        }
      }
    }
  }
}
