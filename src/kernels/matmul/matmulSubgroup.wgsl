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
const SUMS = ROWS * QUADS;

override MERGE: bool; // a row is 2x2 neighbours in a map, in the order (0,0), (1,0), (0,1), (1,1), and the grid's z are images
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

// How many numbers lie from a row's first pixel to the one that holds its k-th number.
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
  return vec2f(mean, unlessLost(vec4f(inverseSqrt(squares / f32(s.inner) + EPS)), vec4f(squares)).x);
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
    v = relu(v);
  }
  y[at] = vec4<output>(v);
  return v;
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
  var places = array<u32, ROWS>();
  for (var i = 0u; i < ROWS; i++) {
    places[i] = rowAt(sizes, row + i) + lane;
  }
  var sums = array<vec4f, SUMS>();
  for (var k = 0u; k < inner; k += 4u) {
    let at = tileW + k * 16u;
    let wa = columnsAt(at);
    let wb = columnsAt(at + 4u);
    let wc = columnsAt(at + 8u);
    let wd = columnsAt(at + 12u);
    let start = pixelAt(sizes, k) + k % channels;
    for (var i = 0u; i < ROWS; i++) { // unroll
      let v = four(f32(x[places[i] + start]) - means[i / 4u][i % 4u]);
      sums[i * QUADS] += wa * v;
      sums[i * QUADS + 1u] += wb * v;
      sums[i * QUADS + 2u] += wc * v;
      sums[i * QUADS + 3u] += wd * v;
    }
  }
  // A loop, not 112 calls: every call is inlined, and half of the compile time went there.
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
