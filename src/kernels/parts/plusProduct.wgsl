// sum + m v. Each product is fused with its addition: where the browser asks for IEEE's rounding, as Chrome does on Windows, no compiler may do so itself.
fn plusProduct(sum: vec4f, m: mat4x4f, v: vec4f) -> vec4f {
  let low = fma(m[1], v.yyyy, fma(m[0], v.xxxx, sum));
  return fma(m[3], v.wwww, fma(m[2], v.zzzz, low));
}
