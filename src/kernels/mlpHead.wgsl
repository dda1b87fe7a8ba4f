// y = W3 relu(W2 relu(W1 x + b1) + b2) + b3 for any number of prediction heads at once, one token of one image a workgroup.
//
// x rows of X_ROW numbers, of which the first WIDTH are read, TOKENS of each image; w the heads' W1, W2, W3 one after the other,
// each with its inputs outermost, so that neighbouring threads read neighbouring weights; b their biases; t two vec4 a workgroup:
// (token, first of w, first of b, outputs), (first of y in one image, outputs of the head's tokens before, of all of them, 0).
// y holds head after head, in each image after image.
alias weight = f32;

const THREADS = 256u;
const WIDTH = 256u;

override TOKENS: u32;
override X_ROW: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<weight>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> t: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> input: array<f32, WIDTH>;
var<workgroup> hidden: array<f32, WIDTH>;

@compute @workgroup_size(THREADS)
fn mlpHead(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let head = t[2u * group.x];
  let out = t[2u * group.x + 1u];
  let layer = WIDTH * WIDTH;
  input[thread] = x[(group.y * TOKENS + head.x) * X_ROW + thread];
  workgroupBarrier();
  var sum = b[head.z + thread];
  for (var i = 0u; i < WIDTH; i++) { sum += input[i] * f32(w[head.y + i * WIDTH + thread]); }
  hidden[thread] = max(sum, 0.0);
  workgroupBarrier();
  sum = b[head.z + WIDTH + thread];
  for (var i = 0u; i < WIDTH; i++) { sum += hidden[i] * f32(w[head.y + layer + i * WIDTH + thread]); }
  input[thread] = max(sum, 0.0);
  workgroupBarrier();
  for (var o = thread; o < head.w; o += THREADS) {
    sum = b[head.z + 2u * WIDTH + o];
    for (var i = 0u; i < WIDTH; i++) { sum += input[i] * f32(w[head.y + 2u * layer + i * head.w + o]); }
    y[out.x * groups.y + group.y * out.z + out.y + o] = sum;
  }
}
