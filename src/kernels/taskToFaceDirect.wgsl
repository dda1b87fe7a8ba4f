// Attention of a few task tokens to many face tokens in shares, as taskToFace, for CPUs that run WebGPU: no workgroup memory, no barrier.
//
// A thread has six queries of one head in registers and a share of the keys, so that a load, which costs a CPU as much as several multiply-adds,
// serves six queries. It takes one key a turn: four would be four times as many loads, and so long a loop is slow. Images are the grid's y.

const THREADS = 8u;
const QUERIES_EACH = 6u;
const QUADS = 4u; // a head's 16 dimensions as vec4
const SUMS = QUERIES_EACH * QUADS;

override SHARE: u32; // keys of one thread

@compute @workgroup_size(THREADS)
fn taskToFaceDirect(@builtin(global_invocation_id) id: vec3u) {
  let groups = (TOKENS + QUERIES_EACH - 1u) / QUERIES_EACH;
  let shares = (KEYS + SHARE - 1u) / SHARE;
  if (id.x >= groups * HEADS * shares) {
    return;
  }
  let first = id.x % groups * QUERIES_EACH;
  let head = id.x / groups % HEADS;
  let share = id.x / groups / HEADS;

  // A loop loads, as many times as no compiler knows: every load that is written out is a long piece of code to compile.
  var loaded = array<vec4f, SUMS>();
  let count = min(QUERIES_EACH, TOKENS - first);
  for (var i = 0u; i < count * QUADS; i++) {
    let row = id.y * TOKENS + first + i / QUADS;
    loaded[i] = 0.25 * q[row % Q_ROWS * Q_STRIDE + Q_OFFSET + head * QUADS + i % QUADS];
  }
  let queries = loaded;
  var sums = array<vec4f, SUMS>(); // [query][quad]
  var totals = array<f32, QUERIES_EACH>();
  var highs = array<f32, QUERIES_EACH>();
  var seen = vec4f(); // of all queries: what is lost of one is lost of all
  for (var i = 0u; i < QUERIES_EACH; i++) { // unroll
    highs[i] = -3.0e38;
  }
  for (var key = share * SHARE; key < min(share * SHARE + SHARE, KEYS); key++) {
    let row = id.y * KEYS + key;
    var keys = array<vec4f, QUADS>();
    var values = array<vec4f, QUADS>();
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
      keys[quad] = vec4f(k[row * K_STRIDE + head * QUADS + quad]);
      values[quad] = vec4f(v[row * V_STRIDE + V_OFFSET + head * QUADS + quad]);
    }
    for (var i = 0u; i < QUERIES_EACH; i++) { // unroll
      var products = vec4f();
      for (var quad = 0u; quad < QUADS; quad++) { // unroll
        products += queries[i * QUADS + quad] * keys[quad];
      }
      let score = dot(products, vec4f(1.0));
      seen += products;
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
  for (var i = 0u; i < count; i++) {
    let out = (((id.y * TOKENS + first + i) * HEADS + head) * shares + share) * 5u;
    for (var j = 0u; j < QUADS; j++) {
      y[out + j] = sums[i * QUADS + j];
    }
    y[out + QUADS] = vec4f(highs[i], unlessLost(vec4f(totals[i]), vec4f(dot(seen, vec4f(1.0)))).x, 0.0, 0.0);
  }
}
