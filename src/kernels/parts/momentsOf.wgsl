// Mean and 1 / deviation of a row of a stream from those of its parts of 64, which lie behind its channels (Chan et al. 1979).
fn momentsOf(row: u32) -> vec2f {
  let behind = select(INNER / 4u, INNER / 16u, SIDE > 0u);
  var mean = 0.0;
  var squares = 0.0;
  for (var i = 0u; i < INNER / 64u; i++) {
    let at = source(row, i * 16u);
    let part = vec4f(x[at.x + behind + at.y / 16u]);
    let d = part.x - mean;
    mean += d / f32(i + 1u);
    squares += part.y + d * d * 64.0 * f32(i) / f32(i + 1u);
  }
  return vec2f(mean, unlessLost(vec4f(inverseSqrt(squares / f32(INNER) + EPS)), vec4f(squares)).x);
}
