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

var<workgroup> layers: array<array<f32, WIDTH>, 2>; // what goes into a layer, and what comes out, by turns

fn four(layer: u32, i: u32, at: u32, stride: u32) -> f32 {
  let v = vec4f(layers[layer][i], layers[layer][i + 1u], layers[layer][i + 2u], layers[layer][i + 3u]);
  return dot(v, vec4f(f32(w[at]), f32(w[at + stride]), f32(w[at + 2u * stride]), f32(w[at + 3u * stride])));
}

// One output of a layer. Sixteen weights are on their way at a time: with a workgroup a token, nothing else hides how long they take. Calls, as
// Firefox puts a test into every turn of a loop, behind which no load goes ahead.
fn times(layer: u32, first: u32, stride: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < WIDTH; i += 16u) {
    let at = first + i * stride;
    sum += four(layer, i, at, stride) + four(layer, i + 4u, at + 4u * stride, stride);
    sum += four(layer, i + 8u, at + 8u * stride, stride) + four(layer, i + 12u, at + 12u * stride, stride);
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn mlpHead(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let head = t[2u * group.x];
  let out = t[2u * group.x + 1u];
  layers[0][thread] = x[(group.y * TOKENS + head.x) * X_ROW + thread];
  workgroupBarrier();
  layers[1][thread] = relu(vec4f(b[head.z + thread] + times(0u, head.y + thread, WIDTH))).x;
  workgroupBarrier();
  layers[0][thread] = relu(vec4f(b[head.z + WIDTH + thread] + times(1u, head.y + WIDTH * WIDTH + thread, WIDTH))).x;
  workgroupBarrier();
  for (var o = thread; o < head.w; o += THREADS) {
    y[out.x * groups.y + group.y * out.z + out.y + o] = b[head.z + 2u * WIDTH + o] + times(0u, head.y + 2u * WIDTH * WIDTH + o, head.w);
  }
}
