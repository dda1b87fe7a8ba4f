// y = act(conv(lookup[x]) + b): bytes to numbers, and a KERNEL x KERNEL convolution of stride 2, with KERNEL / 2 rows and columns of zeros around.
//
// x [images][2 SIDE, 2 SIDE] pixels of four bytes, red lowest; lookup [3][256] makes them the network's numbers, rounded once on the CPU; w
// [3][KERNEL^2][CHANNELS] (colour, dy, dx outermost); y [images * SIDE^2, CHANNELS]. Patches overlap: a workgroup turns the window that its ROWS by EACH
// pixels share into numbers once, and a thread makes four channels of one row of them.
alias weight = f32;
alias output = f32;

const KERNEL = 7u;
const CHANNELS = 64u;
const EACH = 4u;
const ROWS = 8u;
const QUADS = CHANNELS / 4u;
const THREADS = QUADS * ROWS;
const REACH = KERNEL / 2u;
const WIDTH = 2u * (EACH - 1u) + KERNEL; // of the window
const HEIGHT = 2u * (ROWS - 1u) + KERNEL;

override SIDE: u32;
override ACTIVATION: u32; // 0 none, 2 ReLU, 3 hard swish

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> lookup: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(3) var<storage, read> b: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<output>>;

var<workgroup> numbers: array<array<array<f32, WIDTH>, HEIGHT>, 3>; // of each colour

@compute @workgroup_size(THREADS)
fn stem(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let side = 2u * SIDE;
  let first = vec2u(group.x * EACH, group.y * ROWS) * 2u; // of the window, plus REACH, so that it is never negative
  for (var i = thread; i < WIDTH * HEIGHT; i += THREADS) {
    let place = vec2u(i % WIDTH, i / WIDTH);
    let at = first + place;
    let isInside = all(at >= vec2u(REACH)) && all(at < vec2u(side + REACH));
    let pixel = clamp(at, vec2u(REACH), vec2u(side + REACH - 1u)) - REACH;
    let bytes = x[(group.z * side + pixel.y) * side + pixel.x];
    for (var c = 0u; c < 3u; c++) { // unroll
      numbers[c][place.y][place.x] = select(0.0, lookup[c * 256u + ((bytes >> (8u * c)) & 255u)], isInside);
    }
  }
  workgroupBarrier();
  let quad = thread % QUADS;
  let row = min(thread / QUADS, ROWS - 1u);
  var sums = array<vec4f, EACH>();
  for (var c = 0u; c < 3u; c++) { // nounroll
    for (var dy = 0u; dy < KERNEL; dy++) { // nounroll
      let line = &numbers[c][min(2u * row + dy, HEIGHT - 1u)];
      for (var dx = 0u; dx < KERNEL; dx++) { // unroll
        let factors = vec4f(w[((c * KERNEL + dy) * KERNEL + dx) * QUADS + quad]);
        for (var i = 0u; i < EACH; i++) { // unroll
          sums[i] = fma(factors, vec4f(line[2u * i + dx]), sums[i]);
        }
      }
    }
  }
  let line = group.y * ROWS + row;
  for (var i = 0u; i < EACH; i++) { // unroll
    let column = group.x * EACH + i;
    if (line < SIDE && column < SIDE) {
      y[((group.z * SIDE + line) * SIDE + column) * QUADS + quad] = vec4<output>(activated(sums[i] + b[quad]));
    }
  }
}
