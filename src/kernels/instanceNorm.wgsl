// y = max((x - mean) / sqrt(var + EPS), 0) of each channel over all pixels of its map: instance norm without weights, then ReLU.
//
// x, y [images * PIXELS, CHANNELS], four channels of an image a workgroup. Statistics in two passes: a mean, then the distances from it, whose own mean
// takes back what rounding did to the first. E[x^2] - E[x]^2 would lose all digits where the mean is large against the spread.
// Sums are made by every thread anew, not by halving: barriers in a loop take CPUs that run WebGPU seconds to compile.
alias elem = f32;

const THREADS = 128u;

override PIXELS: u32;
override CHANNELS: u32;
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;

var<workgroup> sums: array<vec4f, THREADS>;
var<workgroup> distances: array<vec4f, THREADS>;
var<workgroup> squares: array<vec4f, THREADS>;

@compute @workgroup_size(THREADS)
fn instanceNorm(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let quads = CHANNELS / 4u;
  let first = group.z * PIXELS * quads + group.x;
  var sum = vec4f();
  for (var i = thread; i < PIXELS; i += THREADS) {
    sum += vec4f(x[first + i * quads]);
  }
  sums[thread] = sum;
  workgroupBarrier();
  var mean = vec4f();
  for (var i = 0u; i < THREADS; i++) {
    mean += sums[i] / f32(PIXELS);
  }

  var distance = vec4f();
  var square = vec4f();
  for (var i = thread; i < PIXELS; i += THREADS) {
    let away = vec4f(x[first + i * quads]) - mean;
    distance += away;
    square += away * away;
  }
  distances[thread] = distance;
  squares[thread] = square;
  workgroupBarrier();
  distance = vec4f();
  square = vec4f();
  for (var i = 0u; i < THREADS; i++) {
    distance += distances[i] / f32(PIXELS);
    square += squares[i] / f32(PIXELS);
  }
  let scale = unlessLost(1.0 / sqrt(max(square - distance * distance, vec4f()) + EPS), square);
  for (var i = thread; i < PIXELS; i += THREADS) {
    let at = first + i * quads;
    y[at] = vec4<elem>(relu((vec4f(x[at]) - mean - distance) * scale));
  }
}
