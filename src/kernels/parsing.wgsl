// y[c, Y, X] = sum_i h[c, i] x[pixel(Y, X), i]: the class tokens against the upscaled face map.
//
// h [CLASSES, 32]; x [16 SIDE^2, 32] nested as two 2x2 upscalings leave it (position of the SIDE map, then quarter, then
// quarter of the quarter); y [CLASSES, 4 SIDE, 4 SIDE], plain rows of pixels: the nesting ends here.
const THREADS = 64u;

override SIDE: u32;
override CLASSES: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> h: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(THREADS)
fn parsing(@builtin(global_invocation_id) id: vec3u) {
  let side = 4u * SIDE;
  if (id.x >= side * side) { return; }
  let at = vec2u(id.x % side, id.x / side);
  let outer = at / 2u % 2u;
  let inner = at % 2u;
  let pixel = (((at.y / 4u * SIDE + at.x / 4u) * 4u + outer.y * 2u + outer.x) * 4u + inner.y * 2u + inner.x) * 8u;
  let low = mat4x4f(x[pixel], x[pixel + 1u], x[pixel + 2u], x[pixel + 3u]);
  let high = mat4x4f(x[pixel + 4u], x[pixel + 5u], x[pixel + 6u], x[pixel + 7u]);
  for (var c = 0u; c < CLASSES; c++) {
    let i = c * 8u;
    let products = low[0] * h[i] + low[1] * h[i + 1u] + low[2] * h[i + 2u] + low[3] * h[i + 3u]
      + high[0] * h[i + 4u] + high[1] * h[i + 5u] + high[2] * h[i + 6u] + high[3] * h[i + 7u];
    y[c * side * side + id.x] = dot(products, vec4f(1.0));
  }
}
