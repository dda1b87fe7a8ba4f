// Four columns of four steps of a tile's weights.
fn columnsAt(at: u32) -> mat4x4f {
  return mat4x4f(vec4f(w[at]), vec4f(w[at + 16u]), vec4f(w[at + 32u]), vec4f(w[at + 48u]));
}
