// Abramowitz and Stegun 7.1.26: erf to 1.5e-7. WGSL has none, and the tanh form is off by 5e-4.
fn gelu(v: vec4f) -> vec4f {
  let z = abs(v) * 0.70710678118654752;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * exp(-z * z);
  let far = select(tail, vec4f(), z > vec4f(5.0)); // below 1e-12: no denormals, which CPUs multiply slowly
  return unlessLost(0.5 * v * select(2.0 - far, far, v < vec4f()), v);
}
