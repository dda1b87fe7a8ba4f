// y = softmax(q k^T / sqrt(32)) v among the task tokens themselves, heads of 32 dimensions.
//
// x [TOKENS, 3 * 32 HEADS] holds q, k, v; y [TOKENS, 32 HEADS]. So few tokens that a thread takes one query of one head and reads
// keys and values from storage: no workgroup memory, no barrier.
const THREADS = 64u;
const QUADS = 8u;

override TOKENS: u32;
override HEADS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

fn half(at: u32) -> mat4x4f {
  return mat4x4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
}

@compute @workgroup_size(THREADS)
fn tokenAttention(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= TOKENS * HEADS) { return; }
  let width = HEADS * QUADS;
  let head = id.x % HEADS * QUADS;
  let query = id.x / HEADS * 3u * width + head;
  let q = 0.17677669529663689 * half(query); // 32^-0.5
  let q2 = 0.17677669529663689 * half(query + 4u);
  var sum = mat4x4f();
  var sum2 = mat4x4f();
  var total = 0.0;
  var highest = -3.0e38;
  for (var token = 0u; token < TOKENS; token++) {
    let key = token * 3u * width + width + head;
    let k = half(key);
    let k2 = half(key + 4u);
    let products = q[0] * k[0] + q[1] * k[1] + q[2] * k[2] + q[3] * k[3] + q2[0] * k2[0] + q2[1] * k2[1] + q2[2] * k2[2] + q2[3] * k2[3];
    let s = dot(products, vec4f(1.0));
    let high = max(highest, s);
    let keep = exp(highest - high);
    let p = exp(s - high);
    highest = high;
    total = total * keep + p;
    sum = keep * sum + p * half(key + width);
    sum2 = keep * sum2 + p * half(key + width + 4u);
  }
  let out = id.x / HEADS * width + head;
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
