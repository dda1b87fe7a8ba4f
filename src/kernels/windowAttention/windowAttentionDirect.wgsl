// y = softmax(q k^T + bias + mask) v as windowAttention, for CPUs that run WebGPU: no workgroup memory and no barrier.
//
// Shapes and index maps are windowAttention's; the grid's y are images. A thread has the seven queries of one row of a window in registers and takes four
// keys a step: their scores are a vector by matrix product a query, their values a matrix by vector one, so that a load, which
// costs a CPU as much as several multiply-adds, serves seven queries. Side and heads are read from the lengths of the bindings: two
// pipelines, with and without shift, serve every stage, or four where maps are padded, and a CPU takes a second or two to compile one.
alias elem = f32;

const THREADS = 64u;
const WINDOW = 7u;
const POSITIONS = 49u;
const QUADS = 8u; // a head's 32 dimensions as vec4

override SHIFT: u32;
override PADDED: bool; // whether the map's side is no multiple of 7

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;

var<private> side: u32;
var<private> wide: u32; // side of the map with what pads it
var<private> heads: u32;
var<private> origin: u32; // the image's first position

// Where the window's places lie on the map: rows and columns wrap, as the shift rolls them. Those that pad it have the row behind x's last.
fn positions(window: vec2u, place: vec4u) -> vec4u {
  let rolled = window.x * WINDOW + place % WINDOW + SHIFT;
  let rolledRow = window.y * WINDOW + place / WINDOW + SHIFT;
  let column = select(rolled, rolled - wide, rolled >= vec4u(wide));
  let row = select(rolledRow, rolledRow - wide, rolledRow >= vec4u(wide));
  let beyond = vec4<bool>(PADDED) & ((column >= vec4u(side)) | (row >= vec4u(side)));
  return select(origin + row * side + column, vec4u(arrayLength(&x) / (3u * heads * QUADS)), beyond);
}

fn third(at: vec4u) -> vec4u {
  return select(vec4u(), vec4u(1u), at >= vec4u(wide - WINDOW)) + select(vec4u(), vec4u(1u), at >= vec4u(wide - SHIFT));
}

fn regions(window: vec2u, place: vec4u) -> vec4u {
  return third(window.y * WINDOW + place / WINDOW) * 3u + third(window.x * WINDOW + place % WINDOW);
}

// A vec4 of x; the row behind its last lies in t, behind the table.
fn quadAt(at: u32) -> vec4f {
  if (!PADDED || at < arrayLength(&x)) {
    return vec4f(x[at]);
  }
  let i = 169u * heads + 4u * (at - arrayLength(&x));
  return vec4f(t[i], t[i + 1u], t[i + 2u], t[i + 3u]);
}

// One quad of four keys, or of their values, side by side.
fn quadOf(at: vec4u, quad: u32) -> mat4x4f {
  if (!PADDED) {
    return mat4x4f(vec4f(x[at.x + quad]), vec4f(x[at.y + quad]), vec4f(x[at.z + quad]), vec4f(x[at.w + quad]));
  }
  var four = mat4x4f();
  for (var i = 0u; i < 4u; i++) { // nounroll
    four[i] = quadAt(at[i] + quad);
  }
  return four;
}

// Relative position bias and mask; `beyond` the window keys count for nothing.
fn shape(s: vec4f, at: vec4u, masked: vec4<bool>, beyond: vec4<bool>) -> vec4f {
  let v = s + vec4f(t[at.x], t[at.y], t[at.z], t[at.w]) - select(vec4f(), vec4f(100.0), masked);
  return select(v, vec4f(-3.0e38), beyond);
}

fn highestOf(s: vec4f, before: f32) -> f32 {
  return max(before, max(max(s.x, s.y), max(s.z, s.w)));
}

@compute @workgroup_size(THREADS)
fn windowAttentionDirect(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
  heads = arrayLength(&t) / (169u + select(0u, 12u * QUADS, PADDED)); // q, k and v of a position that pads the map lie behind the table
  side = u32(sqrt(f32(arrayLength(&y) / (heads * QUADS * grid.y))) + 0.5);
  origin = id.y * side * side;
  wide = (side + WINDOW - 1u) / WINDOW * WINDOW;
  let across = wide / WINDOW;
  if (id.x >= across * across * WINDOW * heads) { return; }
  let head = id.x % heads;
  let first = id.x / heads % WINDOW * WINDOW; // place of the row's first query
  let window = vec2u(id.x / heads / WINDOW % across, id.x / heads / WINDOW / across);
  let row = heads * QUADS; // vec4 of one position's q, and of its k, and of its v
  // By a loop, and so the stores: every load that is written out is a long piece of code to compile.
  var queries = array<vec4f, 56>();
  for (var i = 0u; i < 56u; i++) {
    let place = positions(window, vec4u(first + i / QUADS)).x;
    queries[i] = quadAt(place * 3u * row + head * QUADS + i % QUADS);
  }
  let q0 = mat4x4f(queries[0], queries[1], queries[2], queries[3]); let r0 = mat4x4f(queries[4], queries[5], queries[6], queries[7]);
  let q1 = mat4x4f(queries[8], queries[9], queries[10], queries[11]); let r1 = mat4x4f(queries[12], queries[13], queries[14], queries[15]);
  let q2 = mat4x4f(queries[16], queries[17], queries[18], queries[19]); let r2 = mat4x4f(queries[20], queries[21], queries[22], queries[23]);
  let q3 = mat4x4f(queries[24], queries[25], queries[26], queries[27]); let r3 = mat4x4f(queries[28], queries[29], queries[30], queries[31]);
  let q4 = mat4x4f(queries[32], queries[33], queries[34], queries[35]); let r4 = mat4x4f(queries[36], queries[37], queries[38], queries[39]);
  let q5 = mat4x4f(queries[40], queries[41], queries[42], queries[43]); let r5 = mat4x4f(queries[44], queries[45], queries[46], queries[47]);
  let q6 = mat4x4f(queries[48], queries[49], queries[50], queries[51]); let r6 = mat4x4f(queries[52], queries[53], queries[54], queries[55]);
  var a0 = mat4x4f(); var b0 = mat4x4f(); var total0 = 0.0; var high0 = -3.0e38;
  var a1 = mat4x4f(); var b1 = mat4x4f(); var total1 = 0.0; var high1 = -3.0e38;
  var a2 = mat4x4f(); var b2 = mat4x4f(); var total2 = 0.0; var high2 = -3.0e38;
  var a3 = mat4x4f(); var b3 = mat4x4f(); var total3 = 0.0; var high3 = -3.0e38;
  var a4 = mat4x4f(); var b4 = mat4x4f(); var total4 = 0.0; var high4 = -3.0e38;
  var a5 = mat4x4f(); var b5 = mat4x4f(); var total5 = 0.0; var high5 = -3.0e38;
  var a6 = mat4x4f(); var b6 = mat4x4f(); var total6 = 0.0; var high6 = -3.0e38;
  let left = regions(window, first + vec4u(0u, 1u, 2u, 3u));
  let right = regions(window, first + vec4u(4u, 5u, 6u, 6u));
  for (var key = 0u; key < POSITIONS; key += 4u) {
    let four = key + vec4u(0u, 1u, 2u, 3u);
    let beyond = four >= vec4u(POSITIONS);
    let k = min(four, vec4u(POSITIONS - 1u));
    let at = positions(window, k) * 3u * row + row + head * QUADS;
    let bias = (first / WINDOW + 6u - k / WINDOW) * 13u + 6u - k % WINDOW + head * 169u;
    let region = regions(window, k);
    var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f(); var s4 = vec4f(); var s5 = vec4f(); var s6 = vec4f();
    let k0 = quadOf(at, 0u); s0 += q0[0] * k0; s1 += q1[0] * k0; s2 += q2[0] * k0; s3 += q3[0] * k0; s4 += q4[0] * k0; s5 += q5[0] * k0; s6 += q6[0] * k0;
    let k1 = quadOf(at, 1u); s0 += q0[1] * k1; s1 += q1[1] * k1; s2 += q2[1] * k1; s3 += q3[1] * k1; s4 += q4[1] * k1; s5 += q5[1] * k1; s6 += q6[1] * k1;
    let k2 = quadOf(at, 2u); s0 += q0[2] * k2; s1 += q1[2] * k2; s2 += q2[2] * k2; s3 += q3[2] * k2; s4 += q4[2] * k2; s5 += q5[2] * k2; s6 += q6[2] * k2;
    let k3 = quadOf(at, 3u); s0 += q0[3] * k3; s1 += q1[3] * k3; s2 += q2[3] * k3; s3 += q3[3] * k3; s4 += q4[3] * k3; s5 += q5[3] * k3; s6 += q6[3] * k3;
    let k4 = quadOf(at, 4u); s0 += r0[0] * k4; s1 += r1[0] * k4; s2 += r2[0] * k4; s3 += r3[0] * k4; s4 += r4[0] * k4; s5 += r5[0] * k4; s6 += r6[0] * k4;
    let k5 = quadOf(at, 5u); s0 += r0[1] * k5; s1 += r1[1] * k5; s2 += r2[1] * k5; s3 += r3[1] * k5; s4 += r4[1] * k5; s5 += r5[1] * k5; s6 += r6[1] * k5;
    let k6 = quadOf(at, 6u); s0 += r0[2] * k6; s1 += r1[2] * k6; s2 += r2[2] * k6; s3 += r3[2] * k6; s4 += r4[2] * k6; s5 += r5[2] * k6; s6 += r6[2] * k6;
    let k7 = quadOf(at, 7u); s0 += r0[3] * k7; s1 += r1[3] * k7; s2 += r2[3] * k7; s3 += r3[3] * k7; s4 += r4[3] * k7; s5 += r5[3] * k7; s6 += r6[3] * k7;
    s0 = shape(s0, bias + 0u, vec4<bool>(SHIFT > 0u) & (region != vec4u(left[0])), beyond); let next0 = highestOf(s0, high0); let keep0 = exp(high0 - next0); high0 = next0;
    s0 = exp(s0 - high0); total0 = total0 * keep0 + dot(s0, vec4f(1.0)); a0 = keep0 * a0; b0 = keep0 * b0;
    s1 = shape(s1, bias + 1u, vec4<bool>(SHIFT > 0u) & (region != vec4u(left[1])), beyond); let next1 = highestOf(s1, high1); let keep1 = exp(high1 - next1); high1 = next1;
    s1 = exp(s1 - high1); total1 = total1 * keep1 + dot(s1, vec4f(1.0)); a1 = keep1 * a1; b1 = keep1 * b1;
    s2 = shape(s2, bias + 2u, vec4<bool>(SHIFT > 0u) & (region != vec4u(left[2])), beyond); let next2 = highestOf(s2, high2); let keep2 = exp(high2 - next2); high2 = next2;
    s2 = exp(s2 - high2); total2 = total2 * keep2 + dot(s2, vec4f(1.0)); a2 = keep2 * a2; b2 = keep2 * b2;
    s3 = shape(s3, bias + 3u, vec4<bool>(SHIFT > 0u) & (region != vec4u(left[3])), beyond); let next3 = highestOf(s3, high3); let keep3 = exp(high3 - next3); high3 = next3;
    s3 = exp(s3 - high3); total3 = total3 * keep3 + dot(s3, vec4f(1.0)); a3 = keep3 * a3; b3 = keep3 * b3;
    s4 = shape(s4, bias + 4u, vec4<bool>(SHIFT > 0u) & (region != vec4u(right[0])), beyond); let next4 = highestOf(s4, high4); let keep4 = exp(high4 - next4); high4 = next4;
    s4 = exp(s4 - high4); total4 = total4 * keep4 + dot(s4, vec4f(1.0)); a4 = keep4 * a4; b4 = keep4 * b4;
    s5 = shape(s5, bias + 5u, vec4<bool>(SHIFT > 0u) & (region != vec4u(right[1])), beyond); let next5 = highestOf(s5, high5); let keep5 = exp(high5 - next5); high5 = next5;
    s5 = exp(s5 - high5); total5 = total5 * keep5 + dot(s5, vec4f(1.0)); a5 = keep5 * a5; b5 = keep5 * b5;
    s6 = shape(s6, bias + 6u, vec4<bool>(SHIFT > 0u) & (region != vec4u(right[2])), beyond); let next6 = highestOf(s6, high6); let keep6 = exp(high6 - next6); high6 = next6;
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
  var sums = array<mat4x4f, 14>(a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5, a6, b6);
  var totals = array<f32, 7>(total0, total1, total2, total3, total4, total5, total6);
  for (var i = 0u; i < 56u; i++) {
    let place = positions(window, vec4u(first + i / QUADS)).x;
    if (!PADDED || place * row < arrayLength(&y)) {
      y[place * row + head * QUADS + i % QUADS] = vec4<elem>(sums[i / 4u][i % 4u] / totals[i / QUADS]);
    }
  }
}
