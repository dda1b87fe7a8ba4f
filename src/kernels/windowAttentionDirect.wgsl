// windowAttention for CPUs that run WebGPU: softmax(q k^T / sqrt(32) + bias + mask) v, no workgroup memory and no barrier.
//
// Shapes and index maps as in windowAttention. A thread has the seven queries of one row of a window in registers and takes four
// keys a step: their scores are a vector by matrix product a query, their values a matrix by vector one, so that a load, which
// costs a CPU as much as several multiply-adds, serves seven queries.
const THREADS = 64u;
const WINDOW = 7u;
const POSITIONS = 49u;
const QUADS = 8u; // a head's 32 dimensions as vec4

override SIDE: u32;
override HEADS: u32;
override SHIFT: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

fn position(window: vec2u, i: u32) -> u32 {
  let at = (window * WINDOW + vec2u(i % WINDOW, i / WINDOW) + SHIFT) % SIDE;
  return at.y * SIDE + at.x;
}

fn region(window: vec2u, i: u32) -> u32 {
  let at = window * WINDOW + vec2u(i % WINDOW, i / WINDOW);
  let label = select(vec2u(), vec2u(1u), at >= vec2u(SIDE - WINDOW)) + select(vec2u(), vec2u(1u), at >= vec2u(SIDE - SHIFT));
  return label.y * 3u + label.x;
}

fn half(at: u32) -> mat4x4f {
  return mat4x4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
}

// One quad of four keys, or of their values, side by side.
fn quadOf(at: vec4u, quad: u32) -> mat4x4f {
  return mat4x4f(x[at.x + quad], x[at.y + quad], x[at.z + quad], x[at.w + quad]);
}

// Relative position bias and mask of the query at `place` for four keys; those past the window count for nothing.
fn shape(s: vec4f, window: vec2u, head: u32, place: u32, key: vec4u) -> vec4f {
  let k = min(key, vec4u(POSITIONS - 1u));
  let offset = (place / WINDOW + 6u - k / WINDOW) * 13u + place % WINDOW + 6u - k % WINDOW + head * 169u;
  var v = s + vec4f(t[offset.x], t[offset.y], t[offset.z], t[offset.w]);
  if (SHIFT > 0u) {
    let keys = vec4u(region(window, k.x), region(window, k.y), region(window, k.z), region(window, k.w));
    v -= select(vec4f(), vec4f(100.0), keys != vec4u(region(window, place)));
  }
  return select(v, vec4f(-3.0e38), key >= vec4u(POSITIONS));
}

fn highestOf(s: vec4f, before: f32) -> f32 {
  return max(before, max(max(s.x, s.y), max(s.z, s.w)));
}

@compute @workgroup_size(THREADS)
fn windowAttentionDirect(@builtin(global_invocation_id) id: vec3u) {
  let across = SIDE / WINDOW;
  if (id.x >= across * across * WINDOW * HEADS) { return; }
  let head = id.x % HEADS;
  let first = id.x / HEADS % WINDOW * WINDOW; // place of the row's first query
  let window = vec2u(id.x / HEADS / WINDOW % across, id.x / HEADS / WINDOW / across);
  let row = HEADS * QUADS; // vec4 of one position's q, and of its k, and of its v
  let scale = 0.17677669529663689; // 32^-0.5
  let at0 = position(window, first + 0u) * 3u * row + head * QUADS;
  let q0 = scale * half(at0); let r0 = scale * half(at0 + 4u);
  let at1 = position(window, first + 1u) * 3u * row + head * QUADS;
  let q1 = scale * half(at1); let r1 = scale * half(at1 + 4u);
  let at2 = position(window, first + 2u) * 3u * row + head * QUADS;
  let q2 = scale * half(at2); let r2 = scale * half(at2 + 4u);
  let at3 = position(window, first + 3u) * 3u * row + head * QUADS;
  let q3 = scale * half(at3); let r3 = scale * half(at3 + 4u);
  let at4 = position(window, first + 4u) * 3u * row + head * QUADS;
  let q4 = scale * half(at4); let r4 = scale * half(at4 + 4u);
  let at5 = position(window, first + 5u) * 3u * row + head * QUADS;
  let q5 = scale * half(at5); let r5 = scale * half(at5 + 4u);
  let at6 = position(window, first + 6u) * 3u * row + head * QUADS;
  let q6 = scale * half(at6); let r6 = scale * half(at6 + 4u);
  var a0 = mat4x4f(); var b0 = mat4x4f(); var total0 = 0.0; var high0 = -3.0e38;
  var a1 = mat4x4f(); var b1 = mat4x4f(); var total1 = 0.0; var high1 = -3.0e38;
  var a2 = mat4x4f(); var b2 = mat4x4f(); var total2 = 0.0; var high2 = -3.0e38;
  var a3 = mat4x4f(); var b3 = mat4x4f(); var total3 = 0.0; var high3 = -3.0e38;
  var a4 = mat4x4f(); var b4 = mat4x4f(); var total4 = 0.0; var high4 = -3.0e38;
  var a5 = mat4x4f(); var b5 = mat4x4f(); var total5 = 0.0; var high5 = -3.0e38;
  var a6 = mat4x4f(); var b6 = mat4x4f(); var total6 = 0.0; var high6 = -3.0e38;
  for (var key = 0u; key < POSITIONS; key += 4u) {
    let four = key + vec4u(0u, 1u, 2u, 3u);
    let k = min(four, vec4u(POSITIONS - 1u));
    let at = vec4u(position(window, k.x), position(window, k.y), position(window, k.z), position(window, k.w)) * 3u * row + row + head * QUADS;
    var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f(); var s4 = vec4f(); var s5 = vec4f(); var s6 = vec4f();
    let k0 = quadOf(at, 0u); s0 += q0[0] * k0; s1 += q1[0] * k0; s2 += q2[0] * k0; s3 += q3[0] * k0; s4 += q4[0] * k0; s5 += q5[0] * k0; s6 += q6[0] * k0;
    let k1 = quadOf(at, 1u); s0 += q0[1] * k1; s1 += q1[1] * k1; s2 += q2[1] * k1; s3 += q3[1] * k1; s4 += q4[1] * k1; s5 += q5[1] * k1; s6 += q6[1] * k1;
    let k2 = quadOf(at, 2u); s0 += q0[2] * k2; s1 += q1[2] * k2; s2 += q2[2] * k2; s3 += q3[2] * k2; s4 += q4[2] * k2; s5 += q5[2] * k2; s6 += q6[2] * k2;
    let k3 = quadOf(at, 3u); s0 += q0[3] * k3; s1 += q1[3] * k3; s2 += q2[3] * k3; s3 += q3[3] * k3; s4 += q4[3] * k3; s5 += q5[3] * k3; s6 += q6[3] * k3;
    let k4 = quadOf(at, 4u); s0 += r0[0] * k4; s1 += r1[0] * k4; s2 += r2[0] * k4; s3 += r3[0] * k4; s4 += r4[0] * k4; s5 += r5[0] * k4; s6 += r6[0] * k4;
    let k5 = quadOf(at, 5u); s0 += r0[1] * k5; s1 += r1[1] * k5; s2 += r2[1] * k5; s3 += r3[1] * k5; s4 += r4[1] * k5; s5 += r5[1] * k5; s6 += r6[1] * k5;
    let k6 = quadOf(at, 6u); s0 += r0[2] * k6; s1 += r1[2] * k6; s2 += r2[2] * k6; s3 += r3[2] * k6; s4 += r4[2] * k6; s5 += r5[2] * k6; s6 += r6[2] * k6;
    let k7 = quadOf(at, 7u); s0 += r0[3] * k7; s1 += r1[3] * k7; s2 += r2[3] * k7; s3 += r3[3] * k7; s4 += r4[3] * k7; s5 += r5[3] * k7; s6 += r6[3] * k7;
    s0 = shape(s0, window, head, first + 0u, four); let keep0 = exp(high0 - highestOf(s0, high0)); high0 = highestOf(s0, high0);
    s0 = exp(s0 - high0); total0 = total0 * keep0 + dot(s0, vec4f(1.0)); a0 = keep0 * a0; b0 = keep0 * b0;
    s1 = shape(s1, window, head, first + 1u, four); let keep1 = exp(high1 - highestOf(s1, high1)); high1 = highestOf(s1, high1);
    s1 = exp(s1 - high1); total1 = total1 * keep1 + dot(s1, vec4f(1.0)); a1 = keep1 * a1; b1 = keep1 * b1;
    s2 = shape(s2, window, head, first + 2u, four); let keep2 = exp(high2 - highestOf(s2, high2)); high2 = highestOf(s2, high2);
    s2 = exp(s2 - high2); total2 = total2 * keep2 + dot(s2, vec4f(1.0)); a2 = keep2 * a2; b2 = keep2 * b2;
    s3 = shape(s3, window, head, first + 3u, four); let keep3 = exp(high3 - highestOf(s3, high3)); high3 = highestOf(s3, high3);
    s3 = exp(s3 - high3); total3 = total3 * keep3 + dot(s3, vec4f(1.0)); a3 = keep3 * a3; b3 = keep3 * b3;
    s4 = shape(s4, window, head, first + 4u, four); let keep4 = exp(high4 - highestOf(s4, high4)); high4 = highestOf(s4, high4);
    s4 = exp(s4 - high4); total4 = total4 * keep4 + dot(s4, vec4f(1.0)); a4 = keep4 * a4; b4 = keep4 * b4;
    s5 = shape(s5, window, head, first + 5u, four); let keep5 = exp(high5 - highestOf(s5, high5)); high5 = highestOf(s5, high5);
    s5 = exp(s5 - high5); total5 = total5 * keep5 + dot(s5, vec4f(1.0)); a5 = keep5 * a5; b5 = keep5 * b5;
    s6 = shape(s6, window, head, first + 6u, four); let keep6 = exp(high6 - highestOf(s6, high6)); high6 = highestOf(s6, high6);
    s6 = exp(s6 - high6); total6 = total6 * keep6 + dot(s6, vec4f(1.0)); a6 = keep6 * a6; b6 = keep6 * b6;
    let v0 = quadOf(at + row, 0u); a0[0] += v0 * s0; a1[0] += v0 * s1; a2[0] += v0 * s2; a3[0] += v0 * s3; a4[0] += v0 * s4; a5[0] += v0 * s5; a6[0] += v0 * s6;
    let v1 = quadOf(at + row, 1u); a0[1] += v1 * s0; a1[1] += v1 * s1; a2[1] += v1 * s2; a3[1] += v1 * s3; a4[1] += v1 * s4; a5[1] += v1 * s5; a6[1] += v1 * s6;
    let v2 = quadOf(at + row, 2u); a0[2] += v2 * s0; a1[2] += v2 * s1; a2[2] += v2 * s2; a3[2] += v2 * s3; a4[2] += v2 * s4; a5[2] += v2 * s5; a6[2] += v2 * s6;
    let v3 = quadOf(at + row, 3u); a0[3] += v3 * s0; a1[3] += v3 * s1; a2[3] += v3 * s2; a3[3] += v3 * s3; a4[3] += v3 * s4; a5[3] += v3 * s5; a6[3] += v3 * s6;
    let v4 = quadOf(at + row, 4u); b0[0] += v4 * s0; b1[0] += v4 * s1; b2[0] += v4 * s2; b3[0] += v4 * s3; b4[0] += v4 * s4; b5[0] += v4 * s5; b6[0] += v4 * s6;
    let v5 = quadOf(at + row, 5u); b0[1] += v5 * s0; b1[1] += v5 * s1; b2[1] += v5 * s2; b3[1] += v5 * s3; b4[1] += v5 * s4; b5[1] += v5 * s5; b6[1] += v5 * s6;
    let v6 = quadOf(at + row, 6u); b0[2] += v6 * s0; b1[2] += v6 * s1; b2[2] += v6 * s2; b3[2] += v6 * s3; b4[2] += v6 * s4; b5[2] += v6 * s5; b6[2] += v6 * s6;
    let v7 = quadOf(at + row, 7u); b0[3] += v7 * s0; b1[3] += v7 * s1; b2[3] += v7 * s2; b3[3] += v7 * s3; b4[3] += v7 * s4; b5[3] += v7 * s5; b6[3] += v7 * s6;
  }
  var sums = array<mat4x4f, 14>((1.0 / total0) * a0, (1.0 / total0) * b0, (1.0 / total1) * a1, (1.0 / total1) * b1, (1.0 / total2) * a2, (1.0 / total2) * b2, (1.0 / total3) * a3, (1.0 / total3) * b3, (1.0 / total4) * a4, (1.0 / total4) * b4, (1.0 / total5) * a5, (1.0 / total5) * b5, (1.0 / total6) * a6, (1.0 / total6) * b6);
  for (var i = 0u; i < 56u; i++) {
    y[position(window, first + i / QUADS) * row + head * QUADS + i % QUADS] = sums[i / 4u][i % 4u];
  }
}
