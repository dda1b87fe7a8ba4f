// y[r] = (x[r] - mean) / sqrt(var + EPS) * g + b, then GELU where asked: for CPUs that run WebGPU.
//
// A thread is a row: there a barrier costs more than the row's sums. Two passes, a mean and then the distances from it, and one that writes.
const THREADS = 8u; // few, so that 49 rows still keep every core busy

override ROWS: u32;
override CHANNELS: u32;
override EPS: f32;
override GELU: bool;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

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
fn layerNormDirect(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ROWS) { return; }
  let quads = CHANNELS / 4u;
  let start = id.x * quads;

  var sum = vec4f();
  for (var c = 0u; c < quads; c++) { sum += x[start + c]; }
  let mean = dot(sum, vec4f(1.0)) / f32(CHANNELS);

  var square = vec4f();
  for (var c = 0u; c < quads; c++) {
    let d = x[start + c] - mean;
    square += d * d;
  }
  let scale = inverseSqrt(dot(square, vec4f(1.0)) / f32(CHANNELS) + EPS);

  for (var c = 0u; c < quads; c++) {
    var v = (x[start + c] - mean) * scale * g[c] + b[c];
    if (GELU) { v = gelu(v); }
    y[start + c] = v;
  }
}
