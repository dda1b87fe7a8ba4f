// What ACTIVATION stands for: 0 nothing, 1 GELU, 2 ReLU, 3 hard swish. What else it may say is done later.
fn activated(v: vec4f) -> vec4f {
  if (ACTIVATION == 1u) {
    return gelu(v);
  }
  if (ACTIVATION == 2u) {
    return relu(v);
  }
  if (ACTIVATION == 3u) {
    return unlessLost(v * clamp(v + 3.0, vec4f(), vec4f(6.0)) / 6.0, v);
  }
  return v;
}
