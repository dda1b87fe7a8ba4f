// (mean, M2) of four numbers, M2 the sum of squared differences from the mean.
fn momentsOfQuad(v: vec4f) -> vec2f {
  let mean = dot(v, vec4f(0.25));
  let d = v - mean;
  return vec2f(mean, dot(d, d));
}
