// y = W3 relu(W2 relu(W1 x + b1) + b2) + b3 for any number of prediction heads at once, one token of one image a workgroup.
//
// x rows of X_ROW vec4, of which the first QUADS are read, TOKENS of each image; w the heads' W1, W2, W3 one after the other, each with its inputs
// outermost and its outputs padded to vec4; b their biases; t two vec4 a workgroup: (token, first vec4 of w, first of b, outputs), (first of y in one
// image, outputs of the head's tokens before, of all of them, 0). y holds head after head, in each image after image. A thread has four outputs of
// a share of the inputs.
alias weight = f32;

const THREADS = 256u; // 64 on CPUs, where workgroup memory is dear
const QUADS = 64u; // of a layer's inputs
const PARTS = THREADS / QUADS; // of a layer's inputs

override TOKENS: u32;
override X_ROW: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> t: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> source: array<vec4f, QUADS>; // what goes into a layer
var<workgroup> sums: array<vec4f, THREADS>;

// Four outputs of a layer of `quads`, whose weights begin at `first` and biases at `bias`.
fn layer(first: u32, bias: u32, quads: u32, column: u32, thread: u32) -> vec4f {
  let start = thread / QUADS * (QUADS / PARTS);
  sums[thread] = times(start, start + QUADS / PARTS, first + min(column, quads - 1u), quads);
  if (PARTS > 1u) {
    workgroupBarrier();
  }
  let at = bias + 4u * column;
  var sum = vec4f(b[at], b[at + 1u], b[at + 2u], b[at + 3u]);
  for (var i = 0u; i < PARTS; i++) {
    sum += sums[thread % QUADS + i * QUADS];
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
  let column = thread % QUADS;
  if (thread < QUADS) {
    source[thread] = x[(group.y * TOKENS + head.x) * X_ROW + thread];
  }
  for (var i = 0u; i < 2u; i++) { // nounroll
    workgroupBarrier();
    let hidden = relu(layer(head.y + i * 4u * QUADS * QUADS, head.z + i * 4u * QUADS, QUADS, column, thread));
    workgroupBarrier();
    if (thread < QUADS) {
      source[thread] = hidden;
    }
  }
  let quads = (head.w + 3u) / 4u;
  for (var first = 0u; first < quads; first += QUADS) {
    workgroupBarrier();
    let sum = layer(head.y + 8u * QUADS * QUADS, head.z + 8u * QUADS, quads, first + column, thread);
    for (var i = 0u; i < 4u; i++) {
      let o = 4u * (first + column) + i;
      if (thread < QUADS && o < head.w) {
        y[out.x * groups.y + group.y * out.z + out.y + o] = sum[i];
      }
    }
  }
}
