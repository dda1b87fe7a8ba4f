// Attention of a few task tokens to many face tokens in shares, as taskToFace, for CPUs that run WebGPU: no workgroup memory, no barrier.
//
// A thread has six queries of one head in registers and a share of the keys, of which it takes four a step: their scores are a vector by
// matrix product a query, their values a matrix by vector one, so that a load, which costs a CPU as much as several multiply-adds,
// serves six queries. Images are the grid's y.
alias elem = f32;

const THREADS = 8u;
const QUERIES_EACH = 6u;

override TOKENS: u32;
override KEYS: u32;
override HEADS: u32;
override SHARE: u32; // keys of one thread
override Q_STRIDE: u32;
override Q_OFFSET: u32;
override Q_ROWS: u32; // of q, which repeat
override K_STRIDE: u32;
override V_STRIDE: u32;
override V_OFFSET: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn keyQuad(at: vec4u, quad: u32) -> mat4x4f {
  return mat4x4f(vec4f(k[at.x + quad]), vec4f(k[at.y + quad]), vec4f(k[at.z + quad]), vec4f(k[at.w + quad]));
}

fn valueQuad(at: vec4u, quad: u32) -> mat4x4f {
  return mat4x4f(vec4f(v[at.x + quad]), vec4f(v[at.y + quad]), vec4f(v[at.z + quad]), vec4f(v[at.w + quad]));
}

fn highestOf(s: vec4f, before: f32) -> f32 {
  return max(before, max(max(s.x, s.y), max(s.z, s.w)));
}

@compute @workgroup_size(THREADS)
fn taskToFaceDirect(@builtin(global_invocation_id) id: vec3u) {
  let groups = (TOKENS + QUERIES_EACH - 1u) / QUERIES_EACH;
  let shares = (KEYS + SHARE - 1u) / SHARE;
  if (id.x >= groups * HEADS * shares) { return; }
  let first = id.x % groups * QUERIES_EACH;
  let head = id.x / groups % HEADS;
  let share = id.x / groups / HEADS;

  // By a loop: every load that is written out is a long piece of code to compile.
  var queries = array<mat4x4f, QUERIES_EACH>();
  for (var i = 0u; i < QUERIES_EACH * 4u; i++) {
    let row = id.y * TOKENS + min(first + i / 4u, TOKENS - 1u);
    queries[i / 4u][i % 4u] = 0.25 * q[row % Q_ROWS * Q_STRIDE + Q_OFFSET + head * 4u + i % 4u];
  }
  let q0 = queries[0]; let q1 = queries[1]; let q2 = queries[2]; let q3 = queries[3]; let q4 = queries[4]; let q5 = queries[5];
  var a0 = mat4x4f(); var total0 = 0.0; var high0 = -3.0e38;
  var a1 = mat4x4f(); var total1 = 0.0; var high1 = -3.0e38;
  var a2 = mat4x4f(); var total2 = 0.0; var high2 = -3.0e38;
  var a3 = mat4x4f(); var total3 = 0.0; var high3 = -3.0e38;
  var a4 = mat4x4f(); var total4 = 0.0; var high4 = -3.0e38;
  var a5 = mat4x4f(); var total5 = 0.0; var high5 = -3.0e38;
  for (var key = share * SHARE; key < min(share * SHARE + SHARE, KEYS); key += 4u) {
    let four = key + vec4u(0u, 1u, 2u, 3u);
    let beyond = four >= vec4u(min(share * SHARE + SHARE, KEYS));
    let row = id.y * KEYS + min(four, vec4u(KEYS - 1u));
    let kAt = row * K_STRIDE + head * 4u;
    let vAt = row * V_STRIDE + V_OFFSET + head * 4u;
    var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f(); var s4 = vec4f(); var s5 = vec4f();
    let k0 = keyQuad(kAt, 0u); s0 += q0[0] * k0; s1 += q1[0] * k0; s2 += q2[0] * k0; s3 += q3[0] * k0; s4 += q4[0] * k0; s5 += q5[0] * k0;
    let k1 = keyQuad(kAt, 1u); s0 += q0[1] * k1; s1 += q1[1] * k1; s2 += q2[1] * k1; s3 += q3[1] * k1; s4 += q4[1] * k1; s5 += q5[1] * k1;
    let k2 = keyQuad(kAt, 2u); s0 += q0[2] * k2; s1 += q1[2] * k2; s2 += q2[2] * k2; s3 += q3[2] * k2; s4 += q4[2] * k2; s5 += q5[2] * k2;
    let k3 = keyQuad(kAt, 3u); s0 += q0[3] * k3; s1 += q1[3] * k3; s2 += q2[3] * k3; s3 += q3[3] * k3; s4 += q4[3] * k3; s5 += q5[3] * k3;
    s0 = select(s0, vec4f(-3.0e38), beyond); let next0 = highestOf(s0, high0); let keep0 = exp(high0 - next0); high0 = next0;
    s0 = exp(s0 - high0); total0 = total0 * keep0 + dot(s0, vec4f(1.0)); a0 = keep0 * a0;
    s1 = select(s1, vec4f(-3.0e38), beyond); let next1 = highestOf(s1, high1); let keep1 = exp(high1 - next1); high1 = next1;
    s1 = exp(s1 - high1); total1 = total1 * keep1 + dot(s1, vec4f(1.0)); a1 = keep1 * a1;
    s2 = select(s2, vec4f(-3.0e38), beyond); let next2 = highestOf(s2, high2); let keep2 = exp(high2 - next2); high2 = next2;
    s2 = exp(s2 - high2); total2 = total2 * keep2 + dot(s2, vec4f(1.0)); a2 = keep2 * a2;
    s3 = select(s3, vec4f(-3.0e38), beyond); let next3 = highestOf(s3, high3); let keep3 = exp(high3 - next3); high3 = next3;
    s3 = exp(s3 - high3); total3 = total3 * keep3 + dot(s3, vec4f(1.0)); a3 = keep3 * a3;
    s4 = select(s4, vec4f(-3.0e38), beyond); let next4 = highestOf(s4, high4); let keep4 = exp(high4 - next4); high4 = next4;
    s4 = exp(s4 - high4); total4 = total4 * keep4 + dot(s4, vec4f(1.0)); a4 = keep4 * a4;
    s5 = select(s5, vec4f(-3.0e38), beyond); let next5 = highestOf(s5, high5); let keep5 = exp(high5 - next5); high5 = next5;
    s5 = exp(s5 - high5); total5 = total5 * keep5 + dot(s5, vec4f(1.0)); a5 = keep5 * a5;
    let v0 = valueQuad(vAt, 0u); a0[0] += v0 * s0; a1[0] += v0 * s1; a2[0] += v0 * s2; a3[0] += v0 * s3; a4[0] += v0 * s4; a5[0] += v0 * s5;
    let v1 = valueQuad(vAt, 1u); a0[1] += v1 * s0; a1[1] += v1 * s1; a2[1] += v1 * s2; a3[1] += v1 * s3; a4[1] += v1 * s4; a5[1] += v1 * s5;
    let v2 = valueQuad(vAt, 2u); a0[2] += v2 * s0; a1[2] += v2 * s1; a2[2] += v2 * s2; a3[2] += v2 * s3; a4[2] += v2 * s4; a5[2] += v2 * s5;
    let v3 = valueQuad(vAt, 3u); a0[3] += v3 * s0; a1[3] += v3 * s1; a2[3] += v3 * s2; a3[3] += v3 * s3; a4[3] += v3 * s4; a5[3] += v3 * s5;
  }
  var sums = array<mat4x4f, QUERIES_EACH>(a0, a1, a2, a3, a4, a5);
  var totals = array<vec2f, QUERIES_EACH>(vec2f(high0, total0), vec2f(high1, total1), vec2f(high2, total2), vec2f(high3, total3), vec2f(high4, total4), vec2f(high5, total5));
  for (var i = 0u; i < min(QUERIES_EACH, TOKENS - first); i++) {
    let out = (((id.y * TOKENS + first + i) * HEADS + head) * shares + share) * 5u;
    for (var j = 0u; j < 4u; j++) {
      y[out + j] = sums[i][j];
    }
    y[out + 4u] = vec4f(totals[i], 0.0, 0.0);
  }
}
