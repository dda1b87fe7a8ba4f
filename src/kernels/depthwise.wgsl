// y = act(conv(x) + b), each channel by itself: a KERNEL x KERNEL convolution of stride STRIDE, with KERNEL / 2 rows and columns of zeros around.
//
// x [images * (STRIDE SIDE)^2, CHANNELS] in rows of X_ROW vec4, y [images * SIDE^2, CHANNELS], rows or a stream; w [KERNEL^2][CHANNELS]. A thread makes EACH
// pixels side by side of four channels, and reads a row of what they share once. Neighbouring threads have neighbouring channels, and the pixels above and
// below are read again by other threads of the same processor: its cache holds them, and no tile has to be brought together.
alias input = f32;
alias weight = f32;
alias output = f32;

const KERNEL = 7u;
const STRIDE = 1u;
const EACH = 4u;
const THREADS = 64u;
const BLOCKS = THREADS / 16u; // of 64 channels, of a workgroup
const REACH = KERNEL / 2u;
const SPAN = (EACH - 1u) * STRIDE + KERNEL; // pixels of a row that a thread reads

override SIDE: u32;
override CHANNELS: u32;
override X_ROW: u32;
override ACTIVATION: u32; // 0 none, 2 ReLU, 3 hard swish
override STREAM: bool;

@group(0) @binding(0) var<storage, read> x: array<vec4<input>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<output>>;

var<workgroup> parts: array<array<array<vec2f, 16>, EACH>, BLOCKS>; // of a stream: mean and sum of squared differences of each vec4

@compute @workgroup_size(THREADS)
fn depthwise(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let quads = CHANNELS / 4u;
  let across = (SIDE + EACH - 1u) / EACH; // runs of EACH pixels in a row
  let item = group.x * THREADS + thread;
  let quad = item % quads;
  let run = min(item / quads, SIDE * across - 1u);
  let row = run / across;
  let column = run % across * EACH;
  let side = STRIDE * SIDE;
  var sums = array<vec4f, EACH>();
  for (var dy = 0u; dy < KERNEL; dy++) { // nounroll
    let line = row * STRIDE + dy; // plus REACH, so that it is never negative
    let isInside = line >= REACH && line < side + REACH;
    let first = (group.z * side + clamp(line, REACH, side + REACH - 1u) - REACH) * side;
    var values = array<vec4f, SPAN>();
    for (var i = 0u; i < SPAN; i++) { // unroll
      let at = column * STRIDE + i;
      let pixel = first + clamp(at, REACH, side + REACH - 1u) - REACH;
      values[i] = select(vec4f(), vec4f(x[pixel * X_ROW + quad]), isInside && at >= REACH && at < side + REACH);
    }
    for (var dx = 0u; dx < KERNEL; dx++) { // unroll
      let factors = vec4f(w[(dy * KERNEL + dx) * quads + quad]);
      for (var i = 0u; i < EACH; i++) { // unroll
        sums[i] = fma(factors, values[i * STRIDE + dx], sums[i]);
      }
    }
  }
  let yRow = quads + select(0u, quads / 16u, STREAM);
  let firstOfY = (group.z * SIDE + row) * SIDE + column;
  let isRun = item / quads < SIDE * across;
  for (var i = 0u; i < EACH; i++) { // unroll
    let v = activated(sums[i] + b[quad]);
    if (isRun && column + i < SIDE) {
      y[(firstOfY + i) * yRow + quad] = vec4<output>(v);
    }
    if (STREAM) {
      parts[thread / 16u][i][thread % 16u] = momentsOfQuad(v);
    }
  }
  if (!STREAM) {
    return;
  }
  workgroupBarrier();
  // The first EACH of the 16 threads that share a pixel's 64 channels have a pixel each.
  let own = thread % 16u;
  if (own >= EACH || !isRun || column + own >= SIDE) {
    return;
  }
  let held = &parts[thread / 16u][own];
  var sum = vec2f();
  for (var j = 0u; j < 16u; j++) { // nounroll
    sum += held[j];
  }
  let mean = sum.x / 16.0;
  for (var j = 0u; j < 16u; j++) { // nounroll
    let d = held[j].x - mean;
    sum.y += 4.0 * d * d;
  }
  y[(firstOfY + own) * yRow + quads + quad / 16u] = vec4<output>(vec4f(mean, sum.y, 0.0, 0.0));
}
