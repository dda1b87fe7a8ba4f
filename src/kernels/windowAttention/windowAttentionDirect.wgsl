// y = softmax(q k^T + bias + mask) v as windowAttention, for CPUs that run WebGPU: no workgroup memory and no barrier.
//
// Shapes and index maps are windowAttention's; the grid's y are images. A thread has the seven queries of one row of a window in registers, so that a load,
// which costs a CPU as much as several multiply-adds, serves seven queries. It takes one key a turn: so short a loop is faster than one of four, which is
// long code. Side and heads are read from the lengths of the bindings: two pipelines, with and without shift, serve every stage, or four where maps are
// padded, and a CPU takes long to compile one.
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

// Where the window's place lies on the map: rows and columns wrap, as the shift rolls them. Those that pad it have the row behind x's last.
fn position(window: vec2u, place: u32) -> u32 {
  let rolled = window * WINDOW + vec2u(place % WINDOW, place / WINDOW) + SHIFT;
  let at = select(rolled, rolled - wide, rolled >= vec2u(wide));
  return select(origin + at.y * side + at.x, arrayLength(&x) / (3u * heads * QUADS), PADDED && any(at >= vec2u(side)));
}

// Which of the nine regions the shift brings together it lies in: those of two see nothing of each other.
fn region(window: vec2u, place: u32) -> u32 {
  let at = window * WINDOW + vec2u(place % WINDOW, place / WINDOW);
  let third = select(vec2u(), vec2u(1u), at >= vec2u(wide - WINDOW)) + select(vec2u(), vec2u(1u), at >= vec2u(wide - SHIFT));
  return third.y * 3u + third.x;
}

// A vec4 of x; the row behind its last lies in t, behind the table.
fn quadAt(at: u32) -> vec4f {
  if (!PADDED || at < arrayLength(&x)) {
    return vec4f(x[at]);
  }
  let i = 169u * heads + 4u * (at - arrayLength(&x));
  return vec4f(t[i], t[i + 1u], t[i + 2u], t[i + 3u]);
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
    let place = position(window, first + i / QUADS);
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
  var regions = array<u32, WINDOW>(); // of the queries
  for (var i = 0u; i < WINDOW; i++) { // unroll
    regions[i] = region(window, first + i);
  }
  for (var key = 0u; key < POSITIONS; key++) {
    let at = position(window, key) * 3u * row + row + head * QUADS;
    let bias = (first / WINDOW + 6u - key / WINDOW) * 13u + 6u - key % WINDOW + head * 169u;
    let own = region(window, key);
    var keys = array<vec4f, QUADS>();
    var values = array<vec4f, QUADS>();
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
      keys[quad] = quadAt(at + quad);
      values[quad] = quadAt(at + row + quad);
    }
    for (var i = 0u; i < WINDOW; i++) { // unroll
      var products = vec4f();
      for (var quad = 0u; quad < QUADS; quad++) { // unroll
        products += queries[i * QUADS + quad] * keys[quad];
      }
      seen += products;
      let score = dot(products, vec4f(1.0)) + t[bias + i] - select(0.0, 100.0, SHIFT > 0u && own != regions[i]);
      let high = max(highs[i], score);
      let keep = exp(highs[i] - high);
      let p = exp(score - high);
      highs[i] = high;
      totals[i] = totals[i] * keep + p;
      for (var quad = 0u; quad < QUADS; quad++) { // unroll
        sums[i * QUADS + quad] = sums[i * QUADS + quad] * keep + p * values[quad];
      }
    }
  }
  let lost = vec4f(dot(seen, vec4f(1.0)));
  for (var i = 0u; i < SUMS; i++) {
    let place = position(window, first + i / QUADS);
    if (!PADDED || place * row < arrayLength(&y)) {
      y[place * row + head * QUADS + i % QUADS] = vec4<elem>(unlessLost(sums[i] / totals[i / QUADS], lost));
    }
  }
}
