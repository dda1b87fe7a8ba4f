// y = softmax(q k^T / sqrt(32)) v among the task tokens themselves, heads of 32 dimensions.
//
// x [TOKENS, 3 * 32 HEADS] holds q, k, v; y [TOKENS, 32 HEADS]. So few tokens that each thread makes one vec4 of y and works
// its scores out anew: no workgroup memory, no barrier.
const THREADS = 64u;
const QUADS = 8u;

override TOKENS: u32;
override HEADS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(THREADS)
fn tokenAttention(@builtin(global_invocation_id) id: vec3u) {
  let width = HEADS * QUADS;
  if (id.x >= TOKENS * width) { return; }
  let head = id.x % width / QUADS * QUADS;
  let query = id.x / width * 3u * width + head;
  var sum = vec4f();
  var total = 0.0;
  var highest = -3.0e38;
  for (var token = 0u; token < TOKENS; token++) {
    let key = token * 3u * width + width + head;
    var products = vec4f();
    for (var i = 0u; i < QUADS; i++) { products += x[query + i] * x[key + i]; }
    let s = dot(products, vec4f(0.17677669529663689)); // 32^-0.5
    let high = max(highest, s);
    let keep = exp(highest - high);
    let p = exp(s - high);
    highest = high;
    total = total * keep + p;
    sum = keep * sum + p * x[token * 3u * width + 2u * width + id.x % width];
  }
  y[id.x] = sum / total;
}
