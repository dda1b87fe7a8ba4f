// y = softmax(q k^T / sqrt(32) + bias + mask) v in every 7x7 window of every head, cyclic shift and windows as index maps.
//
// x [SIDE^2, 3 CHANNELS] holds q, k, v of each position in the order of the map; t [HEADS][169] the relative position bias;
// y [SIDE^2, CHANNELS]. A workgroup is one window of one head, a thread one query; keys and values lie in workgroup memory.
// Nothing is rolled or copied: row i of a window is read from, and written to, where the shift says it came from.
const THREADS = 64u;
const WINDOW = 7u;
const POSITIONS = 49u;
const QUADS = 8u; // a head's 32 dimensions as vec4

override SIDE: u32;
override HEADS: u32;
override SHIFT: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

var<workgroup> keys: array<vec4f, POSITIONS * QUADS>;
var<workgroup> values: array<vec4f, POSITIONS * QUADS>;
var<workgroup> bias: array<f32, 169>;

// The map's position that stands at place i of this window after the cyclic shift by (-SHIFT, -SHIFT).
fn position(window: vec2u, i: u32) -> u32 {
  let at = (window * WINDOW + vec2u(i % WINDOW, i / WINDOW) + SHIFT) % SIDE;
  return at.y * SIDE + at.x;
}

// Which of the nine regions of the shifted map place i lies in; queries see only keys of their own.
fn region(window: vec2u, i: u32) -> u32 {
  let at = window * WINDOW + vec2u(i % WINDOW, i / WINDOW);
  let label = select(vec2u(), vec2u(1u), at >= vec2u(SIDE - WINDOW)) + select(vec2u(), vec2u(1u), at >= vec2u(SIDE - SHIFT));
  return label.y * 3u + label.x;
}

fn score(query: mat4x4f, query2: mat4x4f, place: u32, own: u32, window: vec2u, key: u32) -> f32 {
  let k = min(key, POSITIONS - 1u);
  let at = k * QUADS;
  let sum = query[0] * keys[at] + query[1] * keys[at + 1u] + query[2] * keys[at + 2u] + query[3] * keys[at + 3u]
    + query2[0] * keys[at + 4u] + query2[1] * keys[at + 5u] + query2[2] * keys[at + 6u] + query2[3] * keys[at + 7u];
  let offset = (place / WINDOW + 6u - k / WINDOW) * 13u + place % WINDOW + 6u - k % WINDOW;
  var s = dot(sum, vec4f(1.0)) + bias[offset];
  if (SHIFT > 0u && region(window, k) != own) { s -= 100.0; }
  return select(s, -3.0e38, key >= POSITIONS);
}

@compute @workgroup_size(THREADS)
fn windowAttention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let across = SIDE / WINDOW;
  let window = vec2u(group.x % across, group.x / across);
  let head = group.y;
  let row = HEADS * QUADS; // vec4 of one position's q, and of its k, and of its v
  for (var i = thread; i < POSITIONS * QUADS; i += THREADS) {
    let at = position(window, i / QUADS) * 3u * row + head * QUADS + i % QUADS;
    keys[i] = x[at + row];
    values[i] = x[at + 2u * row];
  }
  for (var i = thread; i < 169u; i += THREADS) { bias[i] = t[head * 169u + i]; }
  workgroupBarrier();
  if (thread >= POSITIONS) { return; }

  let place = position(window, thread);
  let own = region(window, thread);
  let at = place * 3u * row + head * QUADS;
  let scale = 0.17677669529663689; // 32^-0.5
  let q = scale * mat4x4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
  let q2 = scale * mat4x4f(x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
  var sum = mat4x4f();
  var sum2 = mat4x4f();
  var total = 0.0;
  var highest = -3.0e38;
  // Softmax online, four keys a step: rescale what is summed when a higher score comes.
  for (var key = 0u; key < POSITIONS; key += 4u) {
    let s = vec4f(score(q, q2, thread, own, window, key), score(q, q2, thread, own, window, key + 1u),
      score(q, q2, thread, own, window, key + 2u), score(q, q2, thread, own, window, key + 3u));
    let high = max(highest, max(max(s.x, s.y), max(s.z, s.w)));
    let keep = exp(highest - high);
    highest = high;
    let p = exp(s - high);
    total = total * keep + dot(p, vec4f(1.0));
    sum = keep * sum;
    sum2 = keep * sum2;
    for (var j = 0u; j < 4u; j++) {
      let v = min(key + j, POSITIONS - 1u) * QUADS;
      sum += p[j] * mat4x4f(values[v], values[v + 1u], values[v + 2u], values[v + 3u]);
      sum2 += p[j] * mat4x4f(values[v + 4u], values[v + 5u], values[v + 6u], values[v + 7u]);
    }
  }
  let out = place * row + head * QUADS;
  let norm = 1.0 / total;
  y[out] = norm * sum[0];
  y[out + 1u] = norm * sum[1];
  y[out + 2u] = norm * sum[2];
  y[out + 3u] = norm * sum[3];
  y[out + 4u] = norm * sum2[0];
  y[out + 5u] = norm * sum2[1];
  y[out + 6u] = norm * sum2[2];
  y[out + 7u] = norm * sum2[3];
}
