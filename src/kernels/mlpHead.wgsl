// y = W3 relu(W2 relu(W1 x + b1) + b2) + b3: the three layers of a prediction head, one token a workgroup.
//
// x [tokens, WIDTH], of which rows FIRST, FIRST + 1, ... are read; w holds W1, b1, W2, b2, W3, b3 one after the other, each
// matrix with its inputs outermost, so that neighbouring threads read neighbouring weights; y [workgroups, OUT].
const THREADS = 256u;
const WIDTH = 256u;

override FIRST: u32;
override OUT: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> input: array<f32, WIDTH>;
var<workgroup> hidden: array<f32, WIDTH>;

@compute @workgroup_size(THREADS)
fn mlpHead(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let layer = WIDTH * WIDTH + WIDTH; // a matrix and its bias
  input[thread] = x[(FIRST + group.x) * WIDTH + thread];
  workgroupBarrier();
  var sum = w[WIDTH * WIDTH + thread];
  for (var i = 0u; i < WIDTH; i++) { sum += input[i] * w[i * WIDTH + thread]; }
  hidden[thread] = max(sum, 0.0);
  workgroupBarrier();
  sum = w[layer + WIDTH * WIDTH + thread];
  for (var i = 0u; i < WIDTH; i++) { sum += hidden[i] * w[layer + i * WIDTH + thread]; }
  input[thread] = max(sum, 0.0);
  workgroupBarrier();
  for (var out = thread; out < OUT; out += THREADS) {
    sum = w[2u * layer + WIDTH * OUT + out];
    for (var i = 0u; i < WIDTH; i++) { sum += input[i] * w[2u * layer + i * OUT + out]; }
    y[group.x * OUT + out] = sum;
  }
}
