// y[r, n] = act(sum_k norm(x[r])[k] w[n, k] + b[n]) + r[r mod its rows, n], as matmul, for GPUs whose subgroups have one size: LANES.
//
// A workgroup is a subgroup. It has ROWS rows by LANES * QUADS times four columns in registers; each lane reads a share of x for all of
// them, which goes round by shuffles, and the weights of its own columns: no workgroup memory and no barrier.
enable subgroups;

alias input = f32;
alias weight = f32;
alias added = f32;
alias output = f32;

const LANES = 32u;
const ROWS = 7u;
const QUADS = 2u; // QUADS * LANES: whole tiles of 16
const STEP = 4u; // vec4 of INNER a turn
const PARTS = STEP * ROWS; // vec4 of x a turn
const SLOTS = (PARTS + LANES - 1u) / LANES; // of them in a lane
const ABREAST = min(LANES, 16u); // lanes that share a tile of columns
const NEAR = 16u / ABREAST; // quads of a tile in a lane

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

// Sum over the lanes that share a tile of columns.
fn across(v: f32) -> f32 {
  var sum = v;
  for (var i = 1u; i < ABREAST; i *= 2u) { sum += subgroupShuffleXor(sum, i); }
  return sum;
}

@compute @workgroup_size(LANES)
fn matmulShuffle(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let rowsOfZ = arrayLength(&y) / yRow() / grid.z; // of images with a weight each, which then are the grid's z
  let row0 = tile.z * rowsOfZ + tile.y * ROWS;
  let last = (tile.z + 1u) * rowsOfZ - 1u;
  let tiles = (COLS + 63u) / 64u;
  let column = tile.x * LANES * QUADS + lane; // of vec4, and every LANES-th after it
  var moments = array<vec2f, SLOTS>(); // of the rows that this lane reads
  for (var i = 0u; i < SLOTS; i++) {
    moments[i] = vec2f(0.0, 1.0);
    if (NORM) { moments[i] = momentsOf(min(row0 + (lane + i * LANES) % ROWS, last)); }
  }
  var a = array<vec4f, ROWS * QUADS>();
  for (var k = 0u; k < INNER / 4u; k += STEP) {
    var parts = array<vec4f, SLOTS>();
    for (var i = 0u; i < SLOTS; i++) {
      let part = min(lane + i * LANES, PARTS - 1u);
      let place = source(min(row0 + part % ROWS, last), k + part / ROWS);
      parts[i] = (vec4f(x[place.x + place.y]) - moments[i].x) * moments[i].y;
    }
    for (var j = 0u; j < 4u * STEP; j++) {
      var columns = array<vec4f, QUADS>();
      for (var q = 0u; q < QUADS; q++) {
        let at = column + q * LANES;
        columns[q] = vec4f(w[((tile.z * tiles + min(at / 16u, tiles - 1u)) * INNER + k * 4u + j) * 16u + at % 16u]);
      }
      for (var i = 0u; i < ROWS; i++) {
        let part = j / 4u * ROWS + i;
        let v = subgroupShuffle(parts[part / LANES][j % 4u], part % LANES);
        for (var q = 0u; q < QUADS; q++) { a[i * QUADS + q] += v * columns[q]; }
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) {
    for (var first = 0u; first < QUADS; first += NEAR) { // quads of one tile
      var means = array<f32, NEAR>();
      var mean = 0.0; var squares = 0.0;
      for (var q = 0u; q < NEAR; q++) {
        let v = store(row0 + i, last, column + (first + q) * LANES, a[i * QUADS + first + q]);
        means[q] = dot(v, vec4f(0.25));
        mean += means[q] / 16.0;
        squares += dot(v - means[q], v - means[q]);
      }
      if (!STREAM) { continue; }
      mean = across(mean);
      for (var q = 0u; q < NEAR; q++) { squares += 4.0 * (means[q] - mean) * (means[q] - mean); }
      squares = across(squares);
      let at = (column + first * LANES) / 16u;
      if (lane % ABREAST == 0u && row0 + i <= last && at < tiles) {
        y[(row0 + i) * yRow() + COLS / 4u + at] = vec4<output>(vec4f(mean, squares, 0.0, 0.0));
      }
    }
  }
}
