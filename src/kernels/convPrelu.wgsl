// y = the maximum over POOL x POOL neighbours, STEP apart, of prelu(conv(x) + bias): a valid convolution of WINDOW x WINDOW, PReLU by channel,
// and a pooling whose last window may hang over the edge (PyTorch's ceil_mode). POOL 1, STEP 1 is no pooling; a slope of 1 no PReLU; a window as
// large as its map a dense layer.
//
// x:    maps as `maps` lists them, channels last, [positions][IN] vec4f
// w:    [WINDOW * WINDOW * 4 * IN][OUT] vec4f: row, column, channel of x; channels of y
// b:    [2][OUT] vec4f: biases, slopes
// maps: where each map lies and how large it is: in no constant, so that pictures of every size share a pipeline
// y:    [positions][OUT] vec4f
//
// Why the pooling is in here: what it drops would be three quarters of the largest tensor there is, written and read again.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> maps: array<Maps>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

override WINDOW: u32;
override POOL: u32;
override STEP: u32;
override IN: u32;
override OUT: u32;

const THREADS = 64u;
const QUADS = 4u; // vec4f of channels that a thread makes, a divisor of OUT

const LOWEST = -1.0e19; // below what is not lost: see finite.wgsl

// One position of the convolution, `row` being its first row of x; channels from quad `quad` on.
fn convolved(row: u32, width: u32, quad: u32) -> array<vec4f, QUADS> {
  var sum: array<vec4f, QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    sum[q] = b[quad + q];
  }
  for (var tap = 0u; tap < WINDOW * WINDOW; tap++) {
    let base = (row + tap / WINDOW * width + tap % WINDOW) * IN;
    for (var i = 0u; i < IN; i++) {
      let value = x[base + i];
      let at = (tap * IN + i) * 4u * OUT + quad;
      for (var q = 0u; q < QUADS; q++) {
        sum[q] += value.x * w[at + q] + value.y * w[at + OUT + q] + value.z * w[at + 2u * OUT + q] + value.w * w[at + 3u * OUT + q];
      }
    }
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn convPrelu(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let position = threadOf(group, groups, local, THREADS);
  if (position >= maps[arrayLength(&maps) - 1u].end) {
    return;
  }
  let quad = group.z * QUADS;
  let place = placeOf(position);
  let map = maps[place.entry];
  let first = map.firstX + place.image * map.widthX * map.heightX;
  var best: array<vec4f, QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    best[q] = vec4f(LOWEST);
  }
  for (var i = 0u; i < POOL * POOL; i++) {
    let row = place.row * STEP + i / POOL;
    let column = place.column * STEP + i % POOL;
    if (row + WINDOW > map.heightX || column + WINDOW > map.widthX) {
      continue;
    }
    let sum = convolved(first + row * map.widthX + column, map.widthX, quad);
    for (var q = 0u; q < QUADS; q++) {
      let slope = b[OUT + quad + q];
      let one = select(sum[q], slope * sum[q], sum[q] < vec4f());
      best[q] = highestOfFour(best[q], best[q], one, one);
    }
  }
  for (var q = 0u; q < QUADS; q++) {
    y[(map.firstY + position) * OUT + quad + q] = best[q];
  }
}
