// y = the maxima of x in windows of 3x3 pixels, two apart: torch.nn.MaxPool2d(3, 2, 1).
//
// x [images * (2 SIDE)^2, CHANNELS], y [images * SIDE^2, CHANNELS]. A thread makes four channels of a pixel. Beyond the edge stands the pixel at it, which is
// in the window anyway.
alias elem = f32;

const THREADS = 64u;

override SIDE: u32;
override CHANNELS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;

@compute @workgroup_size(THREADS)
fn maxPool(@builtin(global_invocation_id) id: vec3u) {
  let quads = CHANNELS / 4u;
  if (id.x >= SIDE * SIDE * quads) {
    return;
  }
  let side = 2u * SIDE;
  let pixel = id.x / quads;
  let place = 2u * vec2u(pixel % SIDE, pixel / SIDE) + 1u; // plus 1, so that what lies before it is never negative
  var highest = vec4f();
  for (var i = 0u; i < 9u; i++) { // unroll
    let at = max(place + vec2u(i % 3u, i / 3u), vec2u(2u)) - 2u;
    let v = vec4f(x[((id.z * side + at.y) * side + at.x) * quads + id.x % quads]);
    highest = select(highestOfFour(highest, highest, v, v), v, i == 0u);
  }
  y[id.z * SIDE * SIDE * quads + id.x] = vec4<elem>(highest);
}
