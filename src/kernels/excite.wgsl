// y = P diag(hardSigmoid(W relu(h + b) + c)): the second layer of squeeze and excitation gives each channel its factor, and the factors go into the weight
// of the product that reads the map next: the scaled map is never written.
//
// h [images][CHANNELS / 16][HIDDEN], the first layer in the shares that squeeze left; w [HIDDEN][CHANNELS]; n the first layer's bias, then the second's;
// p the product's weight, packed as [COLS / 64][CHANNELS][64], y [images] of such. A workgroup makes the factors of 16 channels from the
// whole hidden layer, which it adds up itself, and multiplies those channels' rows.
alias weight = f32;

const HIDDEN = 240u; // THREADS at most
const THREADS = 256u;
const PARTS = THREADS / 16u; // of the hidden layer, a thread's each

override CHANNELS: u32;
override BLOCKS: u32; // of 64 columns of the product

@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<weight>;
@group(0) @binding(2) var<storage, read> n: array<f32>;
@group(0) @binding(3) var<storage, read> p: array<vec4<weight>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<weight>>;

var<workgroup> hidden: array<f32, THREADS>;
var<workgroup> parts: array<array<f32, 16>, PARTS>;
var<workgroup> factors: array<f32, 16>;

@compute @workgroup_size(THREADS)
fn excite(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let shares = CHANNELS / 16u;
  let own = min(thread, HIDDEN - 1u);
  var sum = n[own];
  for (var s = 0u; s < shares; s += 8u) {
    var values = array<f32, 8>();
    for (var j = 0u; j < 8u; j++) { // unroll: all eight are on their way before the first is needed
      let share = min(s + j, shares - 1u);
      values[j] = select(0.0, h[(group.y * shares + share) * HIDDEN + own], s + j < shares);
    }
    for (var j = 0u; j < 8u; j++) { // unroll
      sum += values[j];
    }
  }
  hidden[thread] = select(0.0, relu(vec4f(sum)).x, thread < HIDDEN);
  workgroupBarrier();
  let channel = group.x * 16u + thread % 16u;
  let part = thread / 16u;
  var product = 0.0;
  for (var k = part; k < HIDDEN; k += PARTS) {
    product += hidden[k] * f32(w[k * CHANNELS + channel]);
  }
  parts[part][thread % 16u] = product;
  workgroupBarrier();
  if (part == 0u) {
    var all = n[HIDDEN + channel];
    for (var i = 0u; i < PARTS; i++) { // nounroll
      all += parts[i][thread % 16u];
    }
    factors[thread % 16u] = unlessLost(vec4f(clamp(all + 3.0, 0.0, 6.0) / 6.0), vec4f(all)).x;
  }
  workgroupBarrier();
  // Sixteen threads have a row of 64 columns, so that the sixteen rows of a block are the workgroup's.
  let row = thread / 16u;
  for (var i = 0u; i < BLOCKS; i++) {
    let at = (i * CHANNELS + group.x * 16u + row) * 16u + thread % 16u;
    y[group.y * BLOCKS * CHANNELS * 16u + at] = vec4<weight>(vec4f(p[at]) * factors[row]);
  }
}
