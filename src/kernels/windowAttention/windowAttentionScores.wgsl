// y = softmax(q k^T + bias + mask) v as windowAttention, whose shapes it has, for GPUs with few registers (phones).
//
// A workgroup is one window of one head of one image, a thread one query. Its scores lie in workgroup memory, so that it holds either
// its query, or half of its sums, never both: under 64 registers. Keys and values are read from where they are, all threads the same.

const THREADS = 64u;

var<workgroup> scores: array<f32, POSITIONS * POSITIONS>; // [key][query], without a barrier, as a thread reads what it wrote itself

// It says, as windowAttention's does, which keys came around the map's edge, and which queries do not see them.
fn hidden(edge: vec2<bool>, query: u32, key: u32) -> bool {
  return (edge.x && around(query % WINDOW) != around(key % WINDOW)) || (edge.y && around(query / WINDOW) != around(key / WINDOW));
}

@compute @workgroup_size(THREADS)
fn windowAttentionScores(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  if (thread >= POSITIONS) {
    return;
  }
  let across = paddedSide() / WINDOW;
  let window = vec2u(group.x % across, group.x / across);
  let edge = vec2<bool>(SHIFT > 0u) & (window == vec2u(across - 1u));
  let place = position(window, group.z, thread);
  let own = (place * 3u * HEADS + group.y) * QUADS;
  var q = array<vec4f, QUADS>();
  for (var i = 0u; i < QUADS; i++) { // unroll
    q[i] = LOG2E * quadAt(own + i);
  }
  let first = group.y * 169u + (thread / WINDOW + 6u) * 13u + thread % WINDOW + 6u;
  var highest = -3.0e38;
  var seen = 0.0;
  for (var key = 0u; key < POSITIONS; key++) {
    let k = ((position(window, group.z, key) * 3u + 1u) * HEADS + group.y) * QUADS;
    let mask = select(0.0, -100.0, hidden(edge, thread, key));
    var sum = vec4f(LOG2E * (t[first - key / WINDOW * 13u - key % WINDOW] + mask), 0.0, 0.0, 0.0);
    for (var i = 0u; i < QUADS; i++) { // unroll
      sum = fma(q[i], quadAt(k + i), sum);
    }
    let s = sum.x + sum.y + sum.z + sum.w;
    scores[key * POSITIONS + thread] = s;
    seen += s;
    highest = max(highest, s);
  }
  if (pads(place)) {
    return;
  }
  for (var half = 0u; half < 2u; half++) {
    var total = 0.0;
    var sums = array<vec4f, 4>();
    for (var key = 0u; key < POSITIONS; key++) {
      let v = ((position(window, group.z, key) * 3u + 2u) * HEADS + group.y) * QUADS + 4u * half;
      let p = exp2(scores[key * POSITIONS + thread] - highest);
      total += p;
      for (var i = 0u; i < 4u; i++) { // unroll
        sums[i] = fma(vec4f(p), quadAt(v + i), sums[i]);
      }
    }
    let norm = unlessLost(vec4f(1.0 / total), vec4f(seen)).x;
    let out = (place * HEADS + group.y) * QUADS + 4u * half;
    for (var i = 0u; i < 4u; i++) { // unroll
      y[out + i] = vec4<elem>(norm * sums[i]);
    }
  }
}
