// y = the cells of maps that a detector's last layers propose: prelu(conv 3x3), and of its 32 channels by 1x1 convolutions two logits and four
// numbers that move the cell's box. Kept are cells whose second logit exceeds the first by `least`, in no order:
// y[0] counts them, and is 0 before; then six numbers each: the cell's position, the logits' difference and the four numbers, as bits. Where
// there are more than y has room for, y[0] still counts them all.
//
// x:    maps as `maps` lists them, channels last, [positions][4] vec4f
// w:    [9 * 16][8] vec4f, as convPrelu's
// b:    [2][8] vec4f: biases, slopes
// h:    [33][2] vec4f: per channel of the 32, then the biases: logits' difference and three of the box's numbers; the fourth
// maps: where each map lies and how large it is
//
// Why one kernel: 32 channels a cell would be the largest tensor of all, and of a million cells a hundred matter.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> maps: array<Maps>;
@group(0) @binding(5) var<storage, read_write> y: array<atomic<u32>>;

const THREADS = 64u;
const OUT = 8u;
const IN = 4u;
const WORDS = 6u; // of a cell in y

@compute @workgroup_size(THREADS)
fn proposals(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let position = threadOf(group, groups, local, THREADS);
  if (position >= maps[arrayLength(&maps) - 1u].end) {
    return;
  }
  let place = placeOf(position);
  let map = maps[place.entry];
  let first = map.firstX + (place.image * map.heightX + place.row) * map.widthX + place.column;
  var sum: array<vec4f, OUT>;
  for (var q = 0u; q < OUT; q++) {
    sum[q] = b[q];
  }
  for (var tap = 0u; tap < 9u; tap++) {
    let base = (first + tap / 3u * map.widthX + tap % 3u) * IN;
    for (var i = 0u; i < IN; i++) {
      let value = x[base + i];
      let at = (tap * IN + i) * 4u * OUT;
      for (var q = 0u; q < OUT; q++) {
        sum[q] += value.x * w[at + q] + value.y * w[at + OUT + q] + value.z * w[at + 2u * OUT + q] + value.w * w[at + 3u * OUT + q];
      }
    }
  }
  var made = h[8u * OUT];
  var fourth = h[8u * OUT + 1u].x;
  for (var q = 0u; q < OUT; q++) {
    let value = select(sum[q], b[OUT + q] * sum[q], sum[q] < vec4f());
    let at = 8u * q;
    made += value.x * h[at] + value.y * h[at + 2u] + value.z * h[at + 4u] + value.w * h[at + 6u];
    fourth += dot(value, vec4f(h[at + 1u].x, h[at + 3u].x, h[at + 5u].x, h[at + 7u].x));
  }
  if (made.x < map.least && !any(isLost(made))) { // what is lost is kept, for who reads it to refuse
    return;
  }
  let at = 1u + WORDS * atomicAdd(&y[0], 1u);
  if (at + WORDS > arrayLength(&y)) {
    return;
  }
  atomicStore(&y[at], map.firstY + position);
  atomicStore(&y[at + 1u], bitcast<u32>(made.x));
  atomicStore(&y[at + 2u], bitcast<u32>(made.y));
  atomicStore(&y[at + 3u], bitcast<u32>(made.z));
  atomicStore(&y[at + 4u], bitcast<u32>(made.w));
  atomicStore(&y[at + 5u], bitcast<u32>(fourth));
}
