// y[p] = norm(r[p] + softmax(q[p] k^T / 4) v A + b): the decoder's attention of the face tokens to the task tokens, its output
// projection, residual and norm.
//
// q [images * POSITIONS, ...] rows of Q_ROW vec4 from Q_FIRST on, heads of 16 dimensions; t [images * TOKENS, ...] rows with k from
// T_FIRST on and v 128 numbers behind; w A [128][256]; n b, gamma, beta; r, y [images * POSITIONS, 256]. In a workgroup a thread first
// attends for one head of one position; then it holds EACH positions by four columns of the projection. The grid's y are images.
alias elem = f32;
alias weight = f32;

const THREADS = 128u;
const EACH = 7u; // at most 7
const KEYS = 1u; // task tokens that a position attends to at a time
const AHEAD = 1u; // steps of four inputs whose weights are on their way at a time, a divisor of 32
const PAIRS = (EACH + 1u) / 2u; // of a thread's positions
const ROWS = 2u * EACH;
const HEADS = 8u;

override POSITIONS: u32; // of one image
override TOKENS: u32;
override Q_ROW: u32;
override Q_FIRST: u32;
override T_FIRST: u32;
override EPS: f32;

@group(0) @binding(0) var<storage, read> q: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> t: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(3) var<storage, read> n: array<vec4f>;
@group(0) @binding(4) var<storage, read> r: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

// What is attended, [position][vec4]; then means and sums of squared differences of vec4, of two positions in one.
var<workgroup> shared_: array<vec4f, THREADS * 4u>;

fn attend(row: u32, head: u32, first: u32, tRow: u32) -> mat4x4f {
  let at = row * Q_ROW + Q_FIRST + head * 4u;
  let query = 0.25 * mat4x4f(vec4f(q[at]), vec4f(q[at + 1u]), vec4f(q[at + 2u]), vec4f(q[at + 3u]));
  var sum = mat4x4f();
  var total = 0.0;
  var highest = -3.0e38;
  var seen = 0.0;
  for (var i = 0u; i < TOKENS; i += KEYS) {
    let before = highest;
    var scores = array<f32, KEYS>();
    for (var j = 0u; j < KEYS; j++) { // unroll
      let k = (first + min(i + j, TOKENS - 1u)) * tRow + T_FIRST + head * 4u;
      let s = dot(query[0] * t[k] + query[1] * t[k + 1u] + query[2] * t[k + 2u] + query[3] * t[k + 3u], vec4f(1.0));
      seen += s;
      scores[j] = select(-3.0e38, s, KEYS == 1u || i + j < TOKENS);
      highest = max(highest, scores[j]);
    }
    var keep = exp(before - highest);
    for (var j = 0u; j < KEYS; j++) { // unroll
      let v = (first + min(i + j, TOKENS - 1u)) * tRow + T_FIRST + head * 4u + 32u;
      let p = exp(scores[j] - highest);
      total = total * keep + p;
      sum = keep * sum + p * mat4x4f(t[v], t[v + 1u], t[v + 2u], t[v + 3u]);
      keep = 1.0;
    }
  }
  return unlessLost(vec4f(1.0 / total), vec4f(seen)).x * sum;
}

// (mean, M2) of equal parts of `count` numbers each, two at a time (Chan et al. 1979).
fn merged(a: vec4f, b: vec4f, count: f32) -> vec4f {
  let d = b.xz - a.xz;
  let squares = a.yw + b.yw + d * d * (0.5 * count);
  let mean = 0.5 * (a.xz + b.xz);
  return vec4f(mean.x, squares.x, mean.y, squares.y);
}

@compute @workgroup_size(THREADS)
fn faceUpdate(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let origin = group.y * POSITIONS; // the image's first position
  let first = group.x * ROWS; // the workgroup's first position in the image
  if (thread < ROWS * HEADS) {
    let tRow = arrayLength(&t) / (grid.y * TOKENS);
    let row = origin + min(first + thread / HEADS, POSITIONS - 1u);
    let a = attend(row, thread % HEADS, group.y * TOKENS, tRow);
    for (var i = 0u; i < 4u; i++) {
      shared_[thread * 4u + i] = a[i];
    }
  }
  workgroupBarrier();
  let column = thread % 64u;
  let rows = thread / 64u * EACH;
  var v = array<vec4f, EACH + 1u>();
  for (var k = 0u; k < 32u; k += AHEAD) {
    var m = array<mat4x4f, AHEAD>();
    for (var s = 0u; s < AHEAD; s++) { // unroll
      let at = (k + s) * 256u + column;
      m[s] = mat4x4f(vec4f(w[at]), vec4f(w[at + 64u]), vec4f(w[at + 128u]), vec4f(w[at + 192u]));
    }
    for (var s = 0u; s < AHEAD; s++) { // unroll
      for (var i = 0u; i < EACH; i++) { // unroll
        v[i] = plusProduct(v[i], m[s], shared_[(rows + i) * 32u + k + s]);
      }
    }
  }
  for (var i = 0u; i < EACH; i++) {
    v[i] += n[column] + r[(origin + min(first + rows + i, POSITIONS - 1u)) * 64u + column];
  }
  // Norm: the moments of each vec4, of two positions in one; then four of them are merged by a thread, until one is left.
  workgroupBarrier();
  for (var i = 0u; i < PAIRS; i++) {
    let a = momentsOfQuad(v[2u * i]);
    let b = momentsOfQuad(v[2u * i + 1u]);
    shared_[(thread / 64u * 4u + i) * 64u + column] = vec4f(a, b);
  }
  for (var left = 16u; left > 0u; left /= 4u) {
    workgroupBarrier();
    let at = min(thread / left, 7u) * 64u + thread % left;
    let count = 64.0 / f32(left);
    let low = merged(shared_[at], shared_[at + left], count);
    let four = merged(low, merged(shared_[at + 2u * left], shared_[at + 3u * left], count), 2.0 * count);
    workgroupBarrier();
    if (thread < 8u * left) {
      shared_[at] = four;
    }
  }
  workgroupBarrier();
  for (var i = 0u; i < EACH; i++) {
    let pair = shared_[(thread / 64u * 4u + i / 2u) * 64u];
    let m = select(pair.xy, pair.zw, i % 2u == 1u);
    let scale = unlessLost(vec4f(inverseSqrt(m.y / 256.0 + EPS)), vec4f(m.y));
    if (first + rows + i < POSITIONS) {
      y[(origin + first + rows + i) * 64u + column] = (v[i] - m.x) * scale * n[64u + column] + n[128u + column];
    }
  }
}
