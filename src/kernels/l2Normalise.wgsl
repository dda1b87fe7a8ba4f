// y = x / max(|x|, 1e-12): vectors of length 1.
//
// x, y [images, LENGTH], a workgroup a vector. The largest element is divided out first, so that no square overflows or vanishes.
// Sums as in instanceNorm, by every thread anew.
const THREADS = 64u;

override LENGTH: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

var<workgroup> maxima: array<f32, THREADS>;
var<workgroup> squares: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn l2Normalise(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let first = group.x * LENGTH;
  var largest = 0.0;
  for (var i = thread; i < LENGTH; i += THREADS) {
    largest = max(largest, abs(x[first + i]));
  }
  maxima[thread] = largest;
  workgroupBarrier();
  largest = 1e-30;
  for (var i = 0u; i < THREADS; i++) {
    largest = max(largest, maxima[i]);
  }

  var sum = 0.0;
  for (var i = thread; i < LENGTH; i += THREADS) {
    let v = x[first + i] / largest;
    sum += v * v;
  }
  squares[thread] = sum;
  workgroupBarrier();
  sum = 0.0;
  for (var i = 0u; i < THREADS; i++) {
    sum += squares[i];
  }
  let norm = max(sqrt(sum), 1e-12 / largest);
  for (var i = thread; i < LENGTH; i += THREADS) {
    y[first + i] = unlessLost(vec4f(x[first + i] / largest / norm), vec4f(largest)).x;
  }
}
