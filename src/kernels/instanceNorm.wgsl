// y = max((x - mean) / sqrt(var + EPS), 0) of each channel over all pixels of its map: instance norm without weights, then ReLU.
//
// x, y [images * PIXELS, CHANNELS], four channels of an image a workgroup. Statistics in two passes: a mean, then the distances from it, whose own mean
// takes back what rounding did to the first. E[x^2] - E[x]^2 would lose all digits where the mean is large against the spread.
alias elem = f32;

const THREADS = 256u;
const AHEAD = 7u; // pixels that a thread has on their way at a time

override PIXELS: u32;
override CHANNELS: u32;
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;

var<workgroup> parts: array<vec4f, THREADS>;
var<workgroup> sums: array<vec4f, 16>;

// The sum of what all threads have over the number of pixels, known to each. No barrier is in a loop: that takes CPUs that run WebGPU seconds to compile.
fn meanOf(v: vec4f, thread: u32) -> vec4f {
  parts[thread] = v / f32(PIXELS);
  workgroupBarrier();
  var part = vec4f();
  for (var i = thread % 16u; i < THREADS; i += 16u) {
    part += parts[i];
  }
  if (thread < 16u) {
    sums[thread] = part;
  }
  workgroupBarrier();
  var mean = vec4f();
  for (var i = 0u; i < 16u; i++) {
    mean += sums[i];
  }
  return mean;
}

// The thread's pixels from `i` on, the map's last where there are no more.
fn pixels(first: u32, i: u32) -> array<vec4f, AHEAD> {
  var v = array<vec4f, AHEAD>();
  for (var j = 0u; j < AHEAD; j++) { // unroll
    v[j] = vec4f(x[first + min(i + j * THREADS, PIXELS - 1u) * (CHANNELS / 4u)]);
  }
  return v;
}

fn isPixel(i: u32) -> bool {
  return AHEAD == 1u || i < PIXELS;
}

@compute @workgroup_size(THREADS)
fn instanceNorm(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first = group.z * PIXELS * (CHANNELS / 4u) + group.x;
  var sum = vec4f();
  for (var i = thread; i < PIXELS; i += AHEAD * THREADS) {
    let v = pixels(first, i);
    for (var j = 0u; j < AHEAD; j++) { // unroll
      sum += select(vec4f(), v[j], isPixel(i + j * THREADS));
    }
  }
  let near = meanOf(sum, thread);

  var distance = vec4f();
  var square = vec4f();
  for (var i = thread; i < PIXELS; i += AHEAD * THREADS) {
    let v = pixels(first, i);
    for (var j = 0u; j < AHEAD; j++) { // unroll
      let away = select(vec4f(), v[j] - near, isPixel(i + j * THREADS));
      distance += away;
      square += away * away;
    }
  }
  let rest = meanOf(distance, thread);
  let squares = meanOf(square, thread);
  let scale = unlessLost(1.0 / sqrt(max(squares - rest * rest, vec4f()) + EPS), squares);
  for (var i = thread; i < PIXELS; i += AHEAD * THREADS) {
    let v = pixels(first, i);
    for (var j = 0u; j < AHEAD; j++) { // unroll
      if (isPixel(i + j * THREADS)) {
        y[first + (i + j * THREADS) * (CHANNELS / 4u)] = vec4<elem>(relu((v[j] - near - rest) * scale));
      }
    }
  }
}
