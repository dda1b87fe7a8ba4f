// y[t] = (u, u P + c[t]), u = norm(r[t] + a[t] A + b): what closes a step of the decoder on the task tokens' side. The row a[t] is
//   SOURCE 0: INNER numbers as they lie in x;
//   SOURCE 1: what taskToFace's shares give together, sum exp(m_i - m) a_i / sum exp(m_i - m) l_i, m = max m_i;
//   SOURCE 2: softmax(q k^T) v among the tokens of one image, with q, k, v side by side in x and q scaled;
//   SOURCE 3: in no binding: x has the shares of a[t] A, as a product left them.
//
// x rows from their vec4 X_FIRST on; w A, packed as a product's (matmul.wgsl), then P [256][COLS]; n b, gamma, beta of the norm;
// c [TOKENS][COLS] P's bias and position code; y [images * TOKENS, 256 + COLS]. A workgroup is one token; a thread has four columns of
// a share of the inner dimension. So few tokens leave a GPU idle whatever is done; what counts is that they take few dispatches.
alias weight = f32;

const THREADS = 256u; // 64 on CPUs, where workgroup memory is dear
const HEADS = 8u;
const MAX_TOKENS = 112u;
const SHARES = 1u; // of a product that x has, where it has one
const MAX_INNER = 256u; // numbers of a[t] that are kept in workgroup memory; a longer row is read where it lies
const PARTS = THREADS / 64u; // of a product's inner dimension
const EACH = (SHARES + PARTS - 1u) / PARTS; // shares that a thread adds
const LANES = THREADS / HEADS; // threads of a head

override SOURCE: u32;
override INNER: u32;
override TOKENS: u32;
override X_FIRST: u32;
override REPEATS: bool; // r has rows of one image
override COLS: u32;
override SPLIT: u32; // shares of P's inner dimension
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> r: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(3) var<storage, read> n: array<vec4f>;
@group(0) @binding(4) var<storage, read> c: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

var<workgroup> source: array<vec4f, MAX_INNER / 4u>; // a[t]; then u
var<workgroup> sums: array<vec4f, THREADS>;
var<workgroup> pairs: array<vec2f, THREADS>;
var<workgroup> scores: array<f32, HEADS * MAX_TOKENS>;

fn rows() -> u32 {
  return arrayLength(&y) / (64u + COLS / 4u);
}

// vec4 from a row of x to the next.
fn xRow() -> u32 {
  return arrayLength(&x) / rows();
}

fn fromRow(row: u32, thread: u32) {
  for (var i = thread; i < min(INNER, MAX_INNER) / 4u; i += THREADS) {
    source[i] = x[row + i];
  }
}

// A thread takes every (THREADS / 32)th share of one vec4 of a head, then one thread adds them up.
fn fromShares(token: u32, thread: u32) {
  let head = thread % 32u / 4u;
  let shares = xRow() / (HEADS * 5u);
  var high = -3.0e38;
  var total = 0.0;
  var lost = vec4f();
  var sum = vec4f();
  for (var i = thread / 32u; i < shares; i += THREADS / 32u) {
    let at = ((token * HEADS + head) * shares + i) * 5u;
    let next = x[at + 4u];
    let top = max(high, next.x);
    lost = unlessLost(lost, next);
    sum = exp(high - top) * sum + exp(next.x - top) * x[at + thread % 4u];
    total = exp(high - top) * total + exp(next.x - top) * next.y;
    high = top;
  }
  sums[thread] = sum;
  pairs[thread] = vec2f(high, total + lost.x + lost.y);
  workgroupBarrier();
  if (thread >= 32u) {
    return;
  }
  for (var i = 32u; i < THREADS; i += 32u) {
    high = max(high, pairs[i + thread].x);
  }
  sum = vec4f();
  total = 0.0;
  for (var i = 0u; i < THREADS; i += 32u) {
    let scale = exp(pairs[i + thread].x - high);
    sum += scale * sums[i + thread];
    total += scale * pairs[i + thread].y;
  }
  source[thread] = unlessLost(sum / total, vec4f(total));
}

// LANES threads a head: a key each for the scores; then a vec4 of the values each, of every (LANES / 8)th key.
fn fromTokens(token: u32, thread: u32) {
  let head = thread / LANES;
  let lane = thread % LANES;
  let row = xRow();
  let first = token / TOKENS * TOKENS;
  let own = token * row + X_FIRST + head * 8u;
  for (var i = lane; i < TOKENS; i += LANES) {
    let key = (first + i) * row + X_FIRST + 64u + head * 8u;
    var s = vec4f();
    for (var j = 0u; j < 8u; j++) {
      s += x[own + j] * x[key + j];
    }
    scores[head * MAX_TOKENS + i] = dot(s, vec4f(1.0));
  }
  workgroupBarrier();
  var high = -3.0e38;
  var seen = 0.0;
  for (var i = 0u; i < TOKENS; i++) {
    let s = scores[head * MAX_TOKENS + i];
    seen += s;
    high = max(high, s);
  }
  var total = 0.0;
  var sum = vec4f();
  for (var i = lane / 8u; i < TOKENS; i += LANES / 8u) {
    let p = exp(scores[head * MAX_TOKENS + i] - high);
    total += p;
    sum += p * x[(first + i) * row + X_FIRST + 128u + head * 8u + lane % 8u];
  }
  sums[thread] = sum;
  pairs[thread] = vec2f(total, 0.0);
  if (LANES > 8u) {
    workgroupBarrier();
  }
  if (lane >= 8u) {
    return;
  }
  for (var i = 8u; i < LANES; i += 8u) {
    sum += sums[thread + i];
    total += pairs[thread + i].x;
  }
  source[head * 8u + lane] = unlessLost(sum / total, vec4f(seen));
}

// Four columns of what a product left in shares: every thread adds EACH of them, in their order.
fn ofShares(token: u32, thread: u32) -> vec4f {
  let share = rows() * 64u;
  let first = thread / 64u * EACH;
  var parts = array<vec4f, EACH>();
  for (var i = 0u; i < EACH; i++) { // unroll: all loads are on their way before the first is needed
    parts[i] = x[(first + i) * share + token * 64u + thread % 64u];
  }
  var sum = vec4f();
  for (var i = 0u; i < EACH; i++) { // unroll
    sum += select(vec4f(), parts[i], first + i < SHARES);
  }
  return sum;
}

// The same of A and a row that lies in x.
fn timesStored(row: u32, start: u32, end: u32, first: u32) -> vec4f {
  var sum = vec4f();
  for (var k = start; k < end; k++) {
    sum += four(x[row + k], first + k * 64u, 16u);
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn tokenUpdate(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let token = group.x;
  let column = thread % 64u;
  let start = thread / 64u * (INNER / (4u * PARTS));
  let end = start + INNER / (4u * PARTS);
  let own = column / 16u * INNER * 16u + column % 16u; // the columns of A
  if (SOURCE == 3u) {
    sums[thread] = ofShares(token, thread);
  } else if (INNER > MAX_INNER) {
    sums[thread] = timesStored(token * xRow() + X_FIRST, start, end, own);
  } else {
    if (SOURCE == 0u) {
      fromRow(token * xRow() + X_FIRST, thread);
    }
    if (SOURCE == 1u) {
      fromShares(token, thread);
    }
    if (SOURCE == 2u) {
      fromTokens(token, thread);
    }
    workgroupBarrier();
    sums[thread] = times(start, end, own, 16u);
  }
  if (PARTS > 1u) {
    workgroupBarrier();
  }
  let rowsOfR = select(rows(), TOKENS, REPEATS);
  var v = n[column] + r[token % rowsOfR * (arrayLength(&r) / rowsOfR) + column];
  for (var i = 0u; i < PARTS; i++) {
    v += sums[column + i * 64u];
  }
  let part = dot(v, vec4f(0.25));
  pairs[thread] = vec2f(part, dot(v - part, v - part));
  workgroupBarrier();
  var mean = 0.0;
  for (var i = 0u; i < 64u; i++) {
    mean += pairs[i].x / 64.0;
  }
  var squares = 0.0;
  for (var i = 0u; i < 64u; i++) {
    squares += pairs[i].y + 4.0 * (pairs[i].x - mean) * (pairs[i].x - mean);
  }
  let scale = unlessLost(vec4f(inverseSqrt(squares / 256.0 + EPS)), vec4f(squares));
  let u = (v - mean) * scale * n[64u + column] + n[128u + column];
  let out = token * (64u + COLS / 4u);
  if (thread < 64u) {
    y[out + column] = u;
    source[column] = u;
  }
  if (COLS == 0u) {
    return;
  }
  workgroupBarrier();
  let quads = max(COLS, 4u) / 4u; // Firefox refuses a division by a constant 0 that nothing reaches
  if (SPLIT == 1u) {
    for (var i = thread; i < quads; i += THREADS) {
      y[out + 64u + i] = c[token % TOKENS * quads + i] + times(0u, 64u, INNER * 64u + i, quads);
    }
    return;
  }
  let share = thread / quads;
  if (share < SPLIT) {
    sums[thread] = times(share * (64u / SPLIT), (share + 1u) * (64u / SPLIT), INNER * 64u + thread % quads, quads);
  }
  workgroupBarrier();
  if (thread >= quads) {
    return;
  }
  var sum = c[token % TOKENS * quads + thread];
  for (var i = 0u; i < SPLIT; i++) {
    sum += sums[i * quads + thread];
  }
  y[out + 64u + thread] = sum;
}
