// y[t, h] = sum_i exp(m_i - m) a_i / sum_i exp(m_i - m) l_i, m = max_i m_i: the shares of taskToFace put together.
//
// x [TOKENS][HEADS][SHARES] of 5 vec4: a (16 dimensions), (m, l, 0, 0); y [TOKENS, 16 HEADS]. A thread is one vec4 of y.
const THREADS = 32u;

override TOKENS: u32;
override HEADS: u32;
override SHARES: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(THREADS)
fn taskToFaceMerge(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= TOKENS * HEADS * 4u) { return; }
  let first = id.x / 4u * SHARES * 5u;
  let quad = id.x % 4u;
  var highest = -3.0e38;
  for (var i = 0u; i < SHARES; i++) { highest = max(highest, x[first + i * 5u + 4u].x); }
  var sum = vec4f();
  var total = 0.0;
  for (var i = 0u; i < SHARES; i++) {
    let at = first + i * 5u;
    let weight = exp(x[at + 4u].x - highest);
    sum += weight * x[at + quad];
    total += weight * x[at + 4u].y;
  }
  y[id.x] = sum / total;
}
