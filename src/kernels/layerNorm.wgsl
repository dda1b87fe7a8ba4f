// y[r] = (x[r] - mean(x[r])) / sqrt(var(x[r]) + EPS) * g + b, then GELU where asked. x, y [ROWS, CHANNELS].
//
// Two passes over the row (first the mean, then the squares of differences from it): E[x^2] - E[x]^2 cancels on rows with
// massive activations. Sixteen threads share a row, four rows a workgroup.
const THREADS = 64u;
const ROW_THREADS = 16u;

override ROWS: u32;
override CHANNELS: u32;
override EPS: f32;
override GELU: bool;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> sums: array<f32, THREADS>;
var<workgroup> squares: array<f32, THREADS>;

// Abramowitz and Stegun 7.1.26, as in matmul.
fn gelu(v: vec4f) -> vec4f {
  let z = abs(v) * 0.70710678118654752;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * exp(-z * z);
  // Past z = 5 the tail is below 1e-12: nought, so that no denormal is made, which CPUs multiply slowly.
  let far = select(tail, vec4f(), z > vec4f(5.0));
  return 0.5 * v * select(2.0 - far, far, v < vec4f());
}

@compute @workgroup_size(THREADS)
fn layerNorm(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * (THREADS / ROW_THREADS) + thread / ROW_THREADS;
  let lane = thread % ROW_THREADS;
  let start = min(row, ROWS - 1u) * (CHANNELS / 4u);

  var sum = vec4f();
  for (var c = lane; c < CHANNELS / 4u; c += ROW_THREADS) { sum += x[start + c]; }
  sums[thread] = dot(sum, vec4f(1.0));
  workgroupBarrier();
  var mean = 0.0;
  for (var i = 0u; i < ROW_THREADS; i++) { mean += sums[thread - lane + i]; }
  mean /= f32(CHANNELS);

  var square = vec4f();
  for (var c = lane; c < CHANNELS / 4u; c += ROW_THREADS) {
    let d = x[start + c] - mean;
    square += d * d;
  }
  squares[thread] = dot(square, vec4f(1.0));
  workgroupBarrier();
  var variance = 0.0;
  for (var i = 0u; i < ROW_THREADS; i++) { variance += squares[thread - lane + i]; }
  let scale = inverseSqrt(variance / f32(CHANNELS) + EPS);

  if (row >= ROWS) { return; }
  for (var c = lane; c < CHANNELS / 4u; c += ROW_THREADS) {
    var v = (x[start + c] - mean) * scale * g[c] + b[c];
    if (GELU) { v = gelu(v); }
    y[start + c] = v;
  }
}
