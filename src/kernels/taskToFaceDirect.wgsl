// Attention of a few task tokens to many face tokens in shares, as taskToFace, for CPUs that run WebGPU: no workgroup memory, no barrier.
//
// A thread has six queries of one head in registers and a share of the keys, of which it takes four a step: their scores are a vector by
// matrix product a query, their values a matrix by vector one, so that a load, which costs a CPU as much as several multiply-adds,
// serves six queries. Images are the grid's y.

const THREADS = 8u;
const QUERIES_EACH = 6u;
const QUADS = 4u; // a head's 16 dimensions as vec4
const SUMS = QUERIES_EACH * QUADS;

override SHARE: u32; // keys of one thread

fn keyQuad(at: vec4u, quad: u32) -> mat4x4f {
  return mat4x4f(vec4f(k[at.x + quad]), vec4f(k[at.y + quad]), vec4f(k[at.z + quad]), vec4f(k[at.w + quad]));
}

fn valueQuad(at: vec4u, quad: u32) -> mat4x4f {
  return mat4x4f(vec4f(v[at.x + quad]), vec4f(v[at.y + quad]), vec4f(v[at.z + quad]), vec4f(v[at.w + quad]));
}

fn highestOf(s: vec4f, before: f32) -> f32 {
  return max(before, max(max(s.x, s.y), max(s.z, s.w)));
}

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
  for (var key = share * SHARE; key < min(share * SHARE + SHARE, KEYS); key += 4u) {
    let four = key + vec4u(0u, 1u, 2u, 3u);
    let beyond = four >= vec4u(min(share * SHARE + SHARE, KEYS));
    let row = id.y * KEYS + min(four, vec4u(KEYS - 1u));
    let kAt = row * K_STRIDE + head * QUADS;
    let vAt = row * V_STRIDE + V_OFFSET + head * QUADS;
    var scores = array<vec4f, QUERIES_EACH>();
    for (var quad = 0u; quad < QUADS; quad++) { // unroll
      let keys = keyQuad(kAt, quad);
      for (var i = 0u; i < QUERIES_EACH; i++) { // unroll
        scores[i] += queries[i * QUADS + quad] * keys;
      }
    }
    for (var i = 0u; i < QUERIES_EACH; i++) { // unroll
      seen += scores[i];
      let score = select(scores[i], vec4f(-3.0e38), beyond);
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
      let values = valueQuad(vAt, quad);
      for (var i = 0u; i < QUERIES_EACH; i++) { // unroll
        sums[i * QUADS + quad] += values * scores[i];
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
