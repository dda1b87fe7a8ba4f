// y[p] = the class c of the highest x[c, p], the lowest such c: one byte a pixel, four pixels a u32. Where they are no numbers, 255.
//
// x [CLASSES, PIXELS], PIXELS a multiple of 4.
const THREADS = 64u;

override PIXELS: u32;
override CLASSES: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(THREADS)
fn argmax(@builtin(global_invocation_id) id: vec3u) {
  let quads = PIXELS / 4u;
  if (id.x >= quads) { return; }
  var best = x[id.x];
  let exponent = vec4u(0x7f800000u);
  var class_ = select(vec4u(), vec4u(255u), (bitcast<vec4u>(best) & exponent) == exponent);
  for (var c = 1u; c < CLASSES; c++) {
    let v = x[c * quads + id.x];
    class_ = select(class_, vec4u(c), v > best);
    best = max(best, v);
  }
  y[id.x] = class_.x | (class_.y << 8u) | (class_.z << 16u) | (class_.w << 24u);
}
