// y = W mean(x) in shares: the means of a map's channels over all its pixels, and the first layer of squeeze and excitation on them.
//
// x [images * PIXELS, CHANNELS]; w [CHANNELS][HIDDEN]; y [images][CHANNELS / 16][HIDDEN], which excite adds up. A workgroup has 16 channels of one image:
// no dispatch waits for the means of all of them.
alias elem = f32;
alias weight = f32;

const THREADS = 256u;
const RUNS = THREADS / 4u; // threads of four channels

override PIXELS: u32;
override CHANNELS: u32;
override HIDDEN: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> w: array<weight>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<array<vec4f, 4>, RUNS>;
var<workgroup> means: array<vec4f, 4>;

@compute @workgroup_size(THREADS)
fn squeeze(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let quads = CHANNELS / 4u;
  let first = group.y * PIXELS * quads + group.x * 4u + thread % 4u;
  var sum = vec4f();
  for (var i = thread / 4u; i < PIXELS; i += 4u * RUNS) {
    var values = array<vec4f, 4>();
    for (var j = 0u; j < 4u; j++) { // unroll: all four are on their way before the first is needed
      let pixel = i + j * RUNS;
      values[j] = select(vec4f(), vec4f(x[first + min(pixel, PIXELS - 1u) * quads]), pixel < PIXELS);
    }
    for (var j = 0u; j < 4u; j++) { // unroll
      sum += values[j];
    }
  }
  sums[thread / 4u][thread % 4u] = sum;
  workgroupBarrier();
  if (thread < 4u) {
    var all = vec4f();
    for (var i = 0u; i < RUNS; i++) { // nounroll
      all += sums[i][thread];
    }
    means[thread] = all / f32(PIXELS);
  }
  workgroupBarrier();
  for (var n = thread; n < HIDDEN; n += THREADS) {
    var product = 0.0;
    for (var q = 0u; q < 4u; q++) { // unroll
      let at = (group.x * 16u + q * 4u) * HIDDEN + n;
      let factors = vec4f(f32(w[at]), f32(w[at + HIDDEN]), f32(w[at + 2u * HIDDEN]), f32(w[at + 3u * HIDDEN]));
      product += dot(factors, means[q]);
    }
    y[(group.y * (CHANNELS / 16u) + group.x) * HIDDEN + n] = product;
  }
}
