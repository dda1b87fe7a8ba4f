// Attention of a few task tokens to many face tokens, each chunk of keys by itself: for every query and head of 16 dimensions
//   m = max_j s_j, l = sum_j exp(s_j - m), a = sum_j exp(s_j - m) v_j,   s_j = q . k_j / 4
// over one share of the keys. tokenUpdate puts the shares together: the keys give the parallelism that 18 queries lack.
//
// q [images * TOKENS, ...], k and v [images * KEYS, ...] of row strides and offsets in vec4; y [images * TOKENS][HEADS][shares] of
// 5 vec4: a, (m, l, 0, 0). A workgroup has one chunk of keys of one head in workgroup memory; a thread is a query and every PARTS-th
// key of the chunk, two of them a step.

const THREADS = 64u;
const CHUNK = 64u;
const EACH = CHUNK * 4u / THREADS; // vec4 of the keys that a thread brings
const LOG2E = 1.4426950408889634; // scores are in bits: exp(s) = exp2(LOG2E s)

override GROUP_TOKENS: u32; // queries of one workgroup, at most THREADS

var<workgroup> keys: array<array<vec4f, 4>, CHUNK>;
var<workgroup> values: array<array<vec4f, 4>, CHUNK>;

fn score(query: mat4x4f, key: u32) -> f32 {
  let k = &keys[key];
  let low = fma(query[1], k[1], query[0] * k[0]);
  return dot(fma(query[3], k[3], fma(query[2], k[2], low)), vec4f(1.0));
}

@compute @workgroup_size(THREADS)
fn taskToFace(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let groups = (TOKENS + GROUP_TOKENS - 1u) / GROUP_TOKENS; // of one image
  let image = group.z / groups;
  let head = group.y;
  let chunk = group.x * CHUNK;
  for (var part = 0u; part < EACH; part++) {
    let place = part * (THREADS / 4u) + thread / 4u;
    let key = image * KEYS + min(chunk + place, KEYS - 1u);
    keys[place][thread % 4u] = vec4f(k[key * K_STRIDE + head * 4u + thread % 4u]);
    values[place][thread % 4u] = vec4f(v[key * V_STRIDE + V_OFFSET + head * 4u + thread % 4u]);
  }
  workgroupBarrier();
  let parts = THREADS / GROUP_TOKENS;
  let part = thread / GROUP_TOKENS;
  let token = group.z % groups * GROUP_TOKENS + thread % GROUP_TOKENS;
  if (part >= parts || token >= TOKENS) {
    return;
  }

  let row = image * TOKENS + token;
  let at = row % Q_ROWS * Q_STRIDE + Q_OFFSET + head * 4u;
  let query = 0.25 * LOG2E * mat4x4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
  // Here, not behind the loop, which would keep more beside its sums.
  let shares = (KEYS + CHUNK - 1u) / CHUNK * parts;
  let out = ((row * HEADS + head) * shares + group.x * parts + part) * 5u;
  var sum = mat4x4f();
  var total = 0.0;
  var highest = -3.0e38;
  var seen = 0.0;
  let end = min(CHUNK, KEYS - chunk);
  for (var i = part; i < end; i += 2u * parts) {
    // Keys beyond the end wrap to others of the chunk, and count nothing.
    let wanted = vec2u(i, i + parts);
    let place = wanted % CHUNK;
    let scores = vec2f(score(query, place.x), score(query, place.y));
    seen += scores.x + scores.y;
    let s = select(vec2f(-3.0e38), scores, wanted < vec2u(end));
    let high = max(highest, max(s.x, s.y));
    let keep = exp2(highest - high);
    let p = exp2(s - high);
    highest = high;
    total = total * keep + p.x + p.y;
    for (var j = 0u; j < 4u; j++) { // unroll
      sum[j] = fma(vec4f(p.y), values[place.y][j], fma(vec4f(p.x), values[place.x][j], keep * sum[j]));
    }
  }
  for (var j = 0u; j < 4u; j++) { // unroll
    y[out + j] = sum[j];
  }
  y[out + 4u] = vec4f(select(highest / LOG2E, -1.0e18, total == 0.0), unlessLost(vec4f(total), vec4f(seen)).x, 0.0, 0.0);
}
