// y = softmax(q k^T / 4) v for many face tokens and a few task tokens, heads of 16 dimensions.
//
// q [QUERIES, 16 HEADS] of row stride Q_STRIDE and offset Q_OFFSET (vec4), k, v [TOKENS, 16 HEADS], y [QUERIES, 16 HEADS].
// A workgroup is 64 queries of one head with all of its keys and values in workgroup memory, at most MAX_TOKENS of them.
const THREADS = 64u;
const MAX_TOKENS = 112u;

override QUERIES: u32;
override TOKENS: u32;
override HEADS: u32;
override Q_STRIDE: u32;
override Q_OFFSET: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> keys: array<vec4f, MAX_TOKENS * 4u>;
var<workgroup> values: array<vec4f, MAX_TOKENS * 4u>;

@compute @workgroup_size(THREADS)
fn faceToTask(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let head = group.y;
  for (var i = thread; i < TOKENS * 4u; i += THREADS) {
    let at = (i / 4u * HEADS + head) * 4u + i % 4u;
    keys[i] = k[at];
    values[i] = v[at];
  }
  workgroupBarrier();
  let row = group.x * THREADS + thread;
  if (row >= QUERIES) { return; }
  let at = row * Q_STRIDE + Q_OFFSET + head * 4u;
  let query = 0.25 * mat4x4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
  var sum = mat4x4f();
  var total = 0.0;
  var highest = -3.0e38;
  for (var i = 0u; i < TOKENS; i++) {
    let j = i * 4u;
    let s = dot(query[0] * keys[j] + query[1] * keys[j + 1u] + query[2] * keys[j + 2u] + query[3] * keys[j + 3u], vec4f(1.0));
    let high = max(highest, s);
    let keep = exp(highest - high);
    let p = exp(s - high);
    highest = high;
    total = total * keep + p;
    sum = keep * sum + p * mat4x4f(values[j], values[j + 1u], values[j + 2u], values[j + 3u]);
  }
  let out = (row * HEADS + head) * 4u;
  y[out] = sum[0] / total;
  y[out + 1u] = sum[1] / total;
  y[out + 2u] = sum[2] / total;
  y[out + 3u] = sum[3] / total;
}
