// y[t] = (u, u P + c[t]), u = norm(r[t] + a[t] A + b): what closes a step of the decoder on the task tokens' side. The row a[t] is
//   SOURCE 0: INNER numbers as they lie in x;
//   SOURCE 1: what taskToFace's shares give together, sum exp(m_i - m) a_i / sum exp(m_i - m) l_i, m = max m_i;
//   SOURCE 2: softmax(q k^T) v among the tokens of one image, with q, k, v side by side in x and q scaled.
//
// x rows of X_ROW vec4 from X_FIRST on, r rows of R_ROW; w A [INNER][256], then P [256][COLS]; n b, gamma, beta of the norm;
// c [TOKENS][COLS] P's bias and position code; y [images * TOKENS, 256 + COLS]. A workgroup is one token; a thread has four columns of
// a share of the inner dimension. So few tokens leave a GPU idle whatever is done; what counts is that they take few dispatches.
alias weight = f32;

const THREADS = 256u;
const MAX_INNER = 256u;
const HEADS = 8u;
const MAX_TOKENS = 112u;

override SOURCE: u32;
override INNER: u32;
override TOKENS: u32;
override SHARES: u32; // of taskToFace
override X_ROW: u32;
override X_FIRST: u32;
override R_ROW: u32;
override R_TOKENS: u32; // rows of r, which repeat
override COLS: u32;
override SPLIT: u32; // shares of P's inner dimension
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> r: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(3) var<storage, read> n: array<vec4f>;
@group(0) @binding(4) var<storage, read> c: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

var<workgroup> source: array<vec4f, MAX_INNER / 4u>;
var<workgroup> sums: array<vec4f, THREADS>;
var<workgroup> pairs: array<vec2f, THREADS>;
var<workgroup> scores: array<f32, HEADS * MAX_TOKENS>;

// A thread takes every eighth share of one vec4 of a head, then one thread adds up the eight.
fn fromShares(token: u32, thread: u32) {
  let head = thread % 32u / 4u;
  var high = -3.0e38;
  var total = 0.0;
  var sum = vec4f();
  for (var i = thread / 32u; i < SHARES; i += 8u) {
    let at = ((token * HEADS + head) * SHARES + i) * 5u;
    let next = x[at + 4u];
    let top = max(high, next.x);
    sum = exp(high - top) * sum + exp(next.x - top) * x[at + thread % 4u];
    total = exp(high - top) * total + exp(next.x - top) * next.y;
    high = top;
  }
  sums[thread] = sum;
  pairs[thread] = vec2f(high, total);
  workgroupBarrier();
  if (thread >= 32u) { return; }
  for (var i = 32u; i < THREADS; i += 32u) { high = max(high, pairs[i + thread].x); }
  sum = vec4f();
  total = 0.0;
  for (var i = 0u; i < THREADS; i += 32u) {
    let scale = exp(pairs[i + thread].x - high);
    sum += scale * sums[i + thread];
    total += scale * pairs[i + thread].y;
  }
  source[thread] = sum / total;
}

// 32 threads a head: a key each for the scores; then a vec4 of the values each, of every fourth key.
fn fromTokens(token: u32, thread: u32) {
  let head = thread / 32u;
  let lane = thread % 32u;
  let first = token / TOKENS * TOKENS;
  let own = token * X_ROW + X_FIRST + head * 8u;
  for (var i = lane; i < TOKENS; i += 32u) {
    let key = (first + i) * X_ROW + X_FIRST + 64u + head * 8u;
    var s = vec4f();
    for (var j = 0u; j < 8u; j++) { s += x[own + j] * x[key + j]; }
    scores[head * MAX_TOKENS + i] = dot(s, vec4f(1.0));
  }
  workgroupBarrier();
  var high = -3.0e38;
  for (var i = 0u; i < TOKENS; i++) { high = max(high, scores[head * MAX_TOKENS + i]); }
  var total = 0.0;
  var sum = vec4f();
  for (var i = lane / 8u; i < TOKENS; i += 4u) {
    let p = exp(scores[head * MAX_TOKENS + i] - high);
    total += p;
    sum += p * x[(first + i) * X_ROW + X_FIRST + 128u + head * 8u + lane % 8u];
  }
  sums[thread] = sum;
  pairs[thread] = vec2f(total, 0.0);
  workgroupBarrier();
  if (lane >= 8u) { return; }
  for (var i = 8u; i < 32u; i += 8u) { sum += sums[thread + i]; total += pairs[thread + i].x; }
  source[head * 8u + lane] = sum / total;
}

fn four(k: u32, first: u32, quads: u32) -> vec4f {
  let v = source[k];
  let at = first + k * 4u * quads;
  return v.x * vec4f(w[at]) + v.y * vec4f(w[at + quads]) + v.z * vec4f(w[at + 2u * quads]) + v.w * vec4f(w[at + 3u * quads]);
}

// Four columns of rows [start, end) / 4, both multiples of 4, of a matrix of `quads` vec4 a row, times the same part of the source. Sixteen
// weights are on their way at a time, as in mlpHead.
fn times(start: u32, end: u32, first: u32, quads: u32) -> vec4f {
  var sum = vec4f();
  for (var k = start; k < end; k += 4u) {
    sum += four(k, first, quads) + four(k + 1u, first, quads) + four(k + 2u, first, quads) + four(k + 3u, first, quads);
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn tokenUpdate(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let token = group.x;
  if (SOURCE == 0u) { for (var i = thread; i < INNER / 4u; i += THREADS) { source[i] = x[token * X_ROW + X_FIRST + i]; } }
  if (SOURCE == 1u) { fromShares(token, thread); }
  if (SOURCE == 2u) { fromTokens(token, thread); }
  workgroupBarrier();
  sums[thread] = times(thread / 64u * (INNER / 16u), (thread / 64u + 1u) * (INNER / 16u), thread % 64u, 64u);
  workgroupBarrier();
  let column = thread % 64u;
  let v = sums[column] + sums[column + 64u] + sums[column + 128u] + sums[column + 192u] + n[column] + r[token % R_TOKENS * R_ROW + column];
  let part = dot(v, vec4f(0.25));
  pairs[thread] = vec2f(part, dot(v - part, v - part));
  workgroupBarrier();
  var mean = 0.0;
  for (var i = 0u; i < 64u; i++) { mean += pairs[i].x / 64.0; }
  var squares = 0.0;
  for (var i = 0u; i < 64u; i++) { squares += pairs[i].y + 4.0 * (pairs[i].x - mean) * (pairs[i].x - mean); }
  let u = (v - mean) * inverseSqrt(squares / 256.0 + EPS) * n[64u + column] + n[128u + column];
  let out = token * (64u + COLS / 4u);
  if (thread < 64u) { y[out + column] = u; source[column] = u; }
  if (COLS == 0u) { return; }
  workgroupBarrier();
  let quads = max(COLS, 4u) / 4u; // Firefox refuses a division by a constant 0 that nothing reaches
  let share = thread / quads;
  if (share < SPLIT) { sums[thread] = times(share * (64u / SPLIT), (share + 1u) * (64u / SPLIT), INNER * 64u + thread % quads, quads); }
  workgroupBarrier();
  if (thread >= quads) { return; }
  var sum = c[token % TOKENS * quads + thread];
  for (var i = 0u; i < SPLIT; i++) { sum += sums[i * quads + thread]; }
  y[out + 64u + thread] = sum;
}
