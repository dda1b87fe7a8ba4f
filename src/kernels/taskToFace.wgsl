// Attention of a few task tokens to many face tokens, each chunk of keys by itself: for every query and head of 16 dimensions
//   m = max_j s_j, l = sum_j exp(s_j - m), a = sum_j exp(s_j - m) v_j,   s_j = q . k_j / 4
// over one share of the keys. taskToFaceMerge puts the shares together: the keys give the parallelism that 18 queries lack.
//
// q [TOKENS, 16 HEADS], k and v [KEYS, ...] of row strides and offsets in vec4; y [TOKENS][HEADS][shares] of 5 vec4: a, (m, l, 0, 0).
// A workgroup has one chunk of keys of one head in workgroup memory; a thread is a query and every PARTS-th key of the chunk.
const THREADS = 64u;
const CHUNK = 64u;

override TOKENS: u32;
override GROUP_TOKENS: u32; // queries of one workgroup, at most THREADS
override KEYS: u32;
override HEADS: u32;
override K_STRIDE: u32;
override V_STRIDE: u32;
override V_OFFSET: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> keys: array<vec4f, CHUNK * 4u>;
var<workgroup> values: array<vec4f, CHUNK * 4u>;

@compute @workgroup_size(THREADS)
fn taskToFace(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let head = group.y;
  let chunk = group.x * CHUNK;
  for (var i = thread; i < CHUNK * 4u; i += THREADS) {
    let key = min(chunk + i / 4u, KEYS - 1u);
    keys[i] = k[key * K_STRIDE + head * 4u + i % 4u];
    values[i] = v[key * V_STRIDE + V_OFFSET + head * 4u + i % 4u];
  }
  workgroupBarrier();
  let parts = THREADS / GROUP_TOKENS;
  let part = thread / GROUP_TOKENS;
  let token = group.z * GROUP_TOKENS + thread % GROUP_TOKENS;
  if (part >= parts || token >= TOKENS) { return; }

  let at = (token * HEADS + head) * 4u;
  let query = 0.25 * mat4x4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
  var sum = mat4x4f();
  var total = 0.0;
  var highest = -3.0e38;
  for (var i = part; i < min(CHUNK, KEYS - chunk); i += parts) {
    let j = i * 4u;
    let s = dot(query[0] * keys[j] + query[1] * keys[j + 1u] + query[2] * keys[j + 2u] + query[3] * keys[j + 3u], vec4f(1.0));
    let high = max(highest, s);
    let keep = exp(highest - high);
    let p = exp(s - high);
    highest = high;
    total = total * keep + p;
    sum = keep * sum + p * mat4x4f(values[j], values[j + 1u], values[j + 2u], values[j + 3u]);
  }
  let shares = (KEYS + CHUNK - 1u) / CHUNK * parts;
  let out = ((token * HEADS + head) * shares + group.x * parts + part) * 5u;
  y[out] = sum[0];
  y[out + 1u] = sum[1];
  y[out + 2u] = sum[2];
  y[out + 3u] = sum[3];
  y[out + 4u] = vec4f(highest, total, 0.0, 0.0);
}
