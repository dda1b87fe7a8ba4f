// y = stream of norm(conv(lookup[x])) g + beta: bytes to numbers, Swin's 4x4 convolution of stride 4, its norm, and the statistics.
//
// x [images][SIZE, SIZE] pixels of four bytes, red lowest; lookup [3][256] makes them the network's numbers, rounded once on the CPU;
// w [48][CHANNELS] (colour, dy, dx outermost); n bias, gamma, beta; y a stream of [images * (SIZE/4)^2, CHANNELS].
// A workgroup has all channels of its patches, so the norm is done where the sums are; a thread has a vec4 of channels of EACH.
const CHANNELS = 128u;
const THREADS = 64u;
const QUADS = CHANNELS / 4u;
const EACH = 7u;
const PATCHES = EACH * THREADS / QUADS;

override SIZE: u32;
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read> lookup: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<vec4f>;
@group(0) @binding(3) var<storage, read> n: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

var<workgroup> patches: array<vec4f, PATCHES * 12u>; // [patch][colour * 4 + dy] of four dx
var<workgroup> parts: array<vec2f, PATCHES * QUADS>; // mean and sum of squared differences of each vec4
var<workgroup> moments: array<vec2f, PATCHES>;

fn numbers(pixels: vec4u, colour: u32) -> vec4f {
  let at = colour * 256u + ((pixels >> vec4u(colour * 8u)) & vec4u(255u));
  return vec4f(lookup[at.x], lookup[at.y], lookup[at.z], lookup[at.w]);
}

fn partOf(v: vec4f) -> vec2f {
  let mean = dot(v, vec4f(0.25));
  return vec2f(mean, dot(v - mean, v - mean));
}

// Mean and sum of squared differences of `count` vec4 from theirs (Chan et al. 1979).
fn merged(first: u32, count: u32) -> vec2f {
  var sum = vec2f();
  let end = min(count, arrayLength(&n)); // count, but known only when it runs: unrolled, the loops spill on Mali
  for (var i = 0u; i < end; i++) {
    sum += parts[first + i];
  }
  let mean = sum.x / f32(count);
  for (var i = 0u; i < end; i++) {
    let d = parts[first + i].x - mean;
    sum.y += 4.0 * d * d;
  }
  return vec2f(mean, sum.y);
}

@compute @workgroup_size(THREADS)
fn embed(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let side = SIZE / 4u;
  let first = group.x * PATCHES;
  let last = arrayLength(&y) / (QUADS + 2u) - 1u;
  for (var i = thread; i < PATCHES * 4u; i += THREADS) {
    let patch_ = min(first + i / 4u, last);
    let cell = patch_ % (side * side);
    let pixels = x[patch_ / (side * side) * SIZE * side + (cell / side * 4u + i % 4u) * side + cell % side];
    for (var c = 0u; c < 3u; c++) {
      patches[i / 4u * 12u + c * 4u + i % 4u] = numbers(pixels, c);
    }
  }
  workgroupBarrier();
  let quad = thread % QUADS;
  let mine = thread / QUADS * EACH; // first of the thread's patches
  var v = array<vec4f, EACH>();
  let steps = min(12u, arrayLength(&n)); // 12; unrolled, the loop would take all registers
  for (var k = 0u; k < steps; k++) {
    let at = k * 4u * QUADS + quad;
    let m = mat4x4f(w[at], w[at + QUADS], w[at + 2u * QUADS], w[at + 3u * QUADS]);
    for (var i = 0u; i < EACH; i++) {
      v[i] += m * patches[(mine + i) * 12u + k];
    }
  }
  for (var i = 0u; i < EACH; i++) {
    v[i] += n[quad];
    parts[(mine + i) * QUADS + quad] = partOf(v[i]);
  }
  workgroupBarrier();
  if (thread < PATCHES) {
    let m = merged(thread * QUADS, QUADS);
    moments[thread] = vec2f(m.x, unlessLost(vec4f(inverseSqrt(m.y / f32(CHANNELS) + EPS)), vec4f(m.y)).x);
  }
  workgroupBarrier();
  for (var i = 0u; i < EACH; i++) {
    v[i] = (v[i] - moments[mine + i].x) * moments[mine + i].y * n[QUADS + quad] + n[2u * QUADS + quad];
    parts[(mine + i) * QUADS + quad] = partOf(v[i]);
    if (first + mine + i <= last) {
      y[(first + mine + i) * (QUADS + 2u) + quad] = v[i];
    }
  }
  workgroupBarrier();
  if (thread < 2u * PATCHES && first + thread / 2u <= last) {
    y[(first + thread / 2u) * (QUADS + 2u) + QUADS + thread % 2u] = vec4f(merged(thread * 16u, 16u), 0.0, 0.0);
  }
}
