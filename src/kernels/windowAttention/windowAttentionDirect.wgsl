// y = softmax(q k^T + bias + mask) v as windowAttention, for CPUs that run WebGPU: no workgroup memory and no barrier.
//
// Shapes and index maps are windowAttention's; the grid's y are images. A thread has the seven queries of one row of a window in registers and takes four
// keys a step: their scores are a vector by matrix product a query, their values a matrix by vector one, so that a load, which
// costs a CPU as much as several multiply-adds, serves seven queries. Side and heads are read from the lengths of the bindings: two
// pipelines, with and without shift, serve every stage, or four where maps are padded, and a CPU takes a second to compile one.
alias elem = f32;

const THREADS = 64u;
const WINDOW = 7u;
const POSITIONS = 49u;
const QUADS = 8u; // a head's 32 dimensions as vec4
const SUMS = WINDOW * QUADS; // of a thread's seven queries

override SHIFT: u32;
override PADDED: bool; // whether the map's side is no multiple of 7

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;

var<private> side: u32;
var<private> wide: u32; // side of the map with what pads it
var<private> heads: u32;
var<private> origin: u32; // the image's first position
// The keys and values of a step. One loop brings them: every load that is written out is a long piece of code, which took a CPU three seconds to compile.
var<private> step: array<vec4f, 8u * QUADS>; // [keys, values][quad][four]

// Where the window's places lie on the map: rows and columns wrap, as the shift rolls them. Those that pad it have the row behind x's last.
fn positions(window: vec2u, place: vec4u) -> vec4u {
  let rolled = window.x * WINDOW + place % WINDOW + SHIFT;
  let rolledRow = window.y * WINDOW + place / WINDOW + SHIFT;
  let column = select(rolled, rolled - wide, rolled >= vec4u(wide));
  let row = select(rolledRow, rolledRow - wide, rolledRow >= vec4u(wide));
  let beyond = vec4<bool>(PADDED) & ((column >= vec4u(side)) | (row >= vec4u(side)));
  return select(origin + row * side + column, vec4u(arrayLength(&x) / (3u * heads * QUADS)), beyond);
}

fn third(at: vec4u) -> vec4u {
  return select(vec4u(), vec4u(1u), at >= vec4u(wide - WINDOW)) + select(vec4u(), vec4u(1u), at >= vec4u(wide - SHIFT));
}

fn regions(window: vec2u, place: vec4u) -> vec4u {
  return third(window.y * WINDOW + place / WINDOW) * 3u + third(window.x * WINDOW + place % WINDOW);
}

// A vec4 of x; the row behind its last lies in t, behind the table.
fn quadAt(at: u32) -> vec4f {
  if (!PADDED || at < arrayLength(&x)) {
    return vec4f(x[at]);
  }
  let i = 169u * heads + 4u * (at - arrayLength(&x));
  return vec4f(t[i], t[i + 1u], t[i + 2u], t[i + 3u]);
}

// One quad of the step's four keys, or behind them of their values, side by side.
fn quadOf(quad: u32) -> mat4x4f {
  let i = 4u * quad;
  return mat4x4f(step[i], step[i + 1u], step[i + 2u], step[i + 3u]);
}

// Relative position bias and mask; `beyond` the window keys count for nothing.
fn shape(s: vec4f, at: vec4u, masked: vec4<bool>, beyond: vec4<bool>) -> vec4f {
  let v = s + vec4f(t[at.x], t[at.y], t[at.z], t[at.w]) - select(vec4f(), vec4f(100.0), masked);
  return select(v, vec4f(-3.0e38), beyond);
}

fn highestOf(s: vec4f, before: f32) -> f32 {
  return max(before, max(max(s.x, s.y), max(s.z, s.w)));
}

@compute @workgroup_size(THREADS)
fn windowAttentionDirect(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
  heads = arrayLength(&t) / (169u + select(0u, 12u * QUADS, PADDED)); // q, k and v of a position that pads the map lie behind the table
  side = u32(sqrt(f32(arrayLength(&y) / (heads * QUADS * grid.y))) + 0.5);
  origin = id.y * side * side;
  wide = (side + WINDOW - 1u) / WINDOW * WINDOW;
  let across = wide / WINDOW;
  if (id.x >= across * across * WINDOW * heads) {
    return;
  }
  let head = id.x % heads;
  let first = id.x / heads % WINDOW * WINDOW; // place of the row's first query
  let window = vec2u(id.x / heads / WINDOW % across, id.x / heads / WINDOW / across);
  let row = heads * QUADS; // vec4 of one position's q, and of its k, and of its v
  // A loop loads, and another stores.
  var loaded = array<vec4f, SUMS>();
  for (var i = 0u; i < SUMS; i++) {
    let place = positions(window, vec4u(first + i / QUADS)).x;
    loaded[i] = quadAt(place * 3u * row + head * QUADS + i % QUADS);
  }
  let queries = loaded;
  var sums = array<vec4f, SUMS>(); // [query][quad]
  var totals = array<f32, WINDOW>();
  var highs = array<f32, WINDOW>();
  var seen = vec4f(); // of all queries: what is lost of one is lost of all
  for (var i = 0u; i < WINDOW; i++) { // unroll
    highs[i] = -3.0e38;
  }
  let left = regions(window, first + vec4u(0u, 1u, 2u, 3u)); // of the queries
  let right = regions(window, first + vec4u(4u, 5u, 6u, 6u));
  let own = array<u32, WINDOW>(left.x, left.y, left.z, left.w, right.x, right.y, right.z);
  for (var key = 0u; key < POSITIONS; key += 4u) {
    let four = key + vec4u(0u, 1u, 2u, 3u);
    let beyond = four >= vec4u(POSITIONS);
    let k = min(four, vec4u(POSITIONS - 1u));
    let at = positions(window, k) * 3u * row + row + head * QUADS;
    let bias = (first / WINDOW + 6u - k / WINDOW) * 13u + 6u - k % WINDOW + head * 169u;
    let region = regions(window, k);
    for (var i = 0u; i < 8u * QUADS; i++) { // nounroll
      step[i] = quadAt(at[i % 4u] + i / 4u % QUADS + select(0u, row, i >= 4u * QUADS));
    }
    var scores = array<vec4f, WINDOW>();
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
      let keys = quadOf(quad);
      for (var i = 0u; i < WINDOW; i++) { // unroll
        scores[i] += queries[i * QUADS + quad] * keys;
      }
    }
    for (var i = 0u; i < WINDOW; i++) { // unroll
      let masked = vec4<bool>(SHIFT > 0u) & (region != vec4u(own[i]));
      seen += scores[i];
      let score = shape(scores[i], bias + i, masked, beyond);
      let high = highestOf(score, highs[i]);
      let keep = exp(highs[i] - high);
      highs[i] = high;
      scores[i] = exp(score - high);
      totals[i] = totals[i] * keep + dot(scores[i], vec4f(1.0));
      for (var quad = 0u; quad < QUADS; quad++) { // unroll
        sums[i * QUADS + quad] *= keep;
      }
    }
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
      let values = quadOf(QUADS + quad);
      for (var i = 0u; i < WINDOW; i++) { // unroll
        sums[i * QUADS + quad] += values * scores[i];
      }
    }
  }
  let lost = vec4f(dot(seen, vec4f(1.0)));
  for (var i = 0u; i < SUMS; i++) {
    let place = positions(window, vec4u(first + i / QUADS)).x;
    if (!PADDED || place * row < arrayLength(&y)) {
      y[place * row + head * QUADS + i % QUADS] = vec4<elem>(unlessLost(sums[i] / totals[i / QUADS], lost));
    }
  }
}
