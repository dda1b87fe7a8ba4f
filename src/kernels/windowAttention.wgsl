// y = softmax(q k^T + bias + mask) v in every 7x7 window of every head, cyclic shift and windows as index maps.
//
// x [images * SIDE^2, 3 CHANNELS] holds q, k, v of each position in the order of the map, q scaled by 32^-0.5 already; t [HEADS][169]
// the relative position bias; y [images * SIDE^2, CHANNELS]. A workgroup is one window of two heads of one image, a thread one query.
// Keys and values lie in workgroup memory, four of the window's rows at a time: with all of them there, it would hold too few
// workgroups. Nothing is rolled or copied: row i of a window is read from, and written to, where the shift says it came from.
alias elem = f32;

const PAIR = 2u; // heads of one workgroup
const LANES = 64u; // threads of one head
const THREADS = 128u;
const WINDOW = 7u;
const POSITIONS = 49u;
const STAGED = 28u; // keys and values in workgroup memory, whole rows of the window
const QUADS = 8u; // a head's 32 dimensions as vec4
const LOG2E = 1.4426950408889634; // scores are in bits: exp(s) = exp2(LOG2E s)

override SIDE: u32;
override HEADS: u32;
override SHIFT: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;

var<workgroup> keys: array<vec4f, PAIR * STAGED * QUADS>;
var<workgroup> values: array<vec4f, PAIR * STAGED * QUADS>;
var<workgroup> bias: array<f32, PAIR * 169u>;

// The position, counted through all images, that stands at place i of this window after the cyclic shift by (-SHIFT, -SHIFT).
fn position(window: vec2u, image: u32, i: u32) -> u32 {
  let at = (window * WINDOW + vec2u(i % WINDOW, i / WINDOW) + SHIFT) % SIDE;
  return (image * SIDE + at.y) * SIDE + at.x;
}

// A window on the map's far edge has columns, or rows, that came around from the near one: those from 7 - SHIFT on. Queries on one
// side of that border do not see keys on the other.
fn around(at: u32) -> bool { return at >= WINDOW - SHIFT; }
fn hidden(edge: bool, query: u32, key: u32) -> bool { return edge && around(query) != around(key); }

fn score(q: mat4x4f, q2: mat4x4f, added: f32, at: u32) -> f32 {
  var sum = vec4f(added, 0.0, 0.0, 0.0);
  sum += q[0] * keys[at]; sum += q[1] * keys[at + 1u]; sum += q[2] * keys[at + 2u]; sum += q[3] * keys[at + 3u];
  sum += q2[0] * keys[at + 4u]; sum += q2[1] * keys[at + 5u]; sum += q2[2] * keys[at + 6u]; sum += q2[3] * keys[at + 7u];
  return sum.x + sum.y + sum.z + sum.w;
}

struct Sum { low: mat4x4f, high: mat4x4f }

fn add(sum: Sum, p: f32, v: u32) -> Sum {
  return Sum(sum.low + p * mat4x4f(values[v], values[v + 1u], values[v + 2u], values[v + 3u]),
    sum.high + p * mat4x4f(values[v + 4u], values[v + 5u], values[v + 6u], values[v + 7u]));
}

@compute @workgroup_size(THREADS)
fn windowAttention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let across = SIDE / WINDOW;
  let window = vec2u(group.x % across, group.x / across);
  let edge = vec2<bool>(SHIFT > 0u) & (window == vec2u(across - 1u));
  let pair = thread / LANES;
  let head = min(group.y * PAIR + pair, HEADS - 1u);
  let place = min(thread % LANES, POSITIONS - 1u);
  let column = place % WINDOW;
  let row = place / WINDOW;
  let own = (position(window, group.z, place) * 3u * HEADS + head) * QUADS;
    let q = LOG2E * mat4x4f(vec4f(x[own]), vec4f(x[own + 1u]), vec4f(x[own + 2u]), vec4f(x[own + 3u]));
  let q2 = LOG2E * mat4x4f(vec4f(x[own + 4u]), vec4f(x[own + 5u]), vec4f(x[own + 6u]), vec4f(x[own + 7u]));
  // The mask of keys in columns that did not come around, and of those that did.
  let near = select(0.0, -100.0 * LOG2E, hidden(edge.x, column, 0u));
  let far = select(0.0, -100.0 * LOG2E, hidden(edge.x, column, WINDOW));
  for (var i = thread % LANES; i < 169u; i += LANES) { bias[pair * 169u + i] = LOG2E * t[head * 169u + i]; }

  var sum = Sum();
  var total = 0.0;
  var highest = -3.0e38;
  for (var start = 0u; start < POSITIONS; start += STAGED) {
    let staged = min(STAGED, POSITIONS - start);
    workgroupBarrier();
    for (var i = thread % LANES; i < staged * QUADS; i += LANES) {
      let k = ((position(window, group.z, start + i / QUADS) * 3u + 1u) * HEADS + head) * QUADS + i % QUADS;
      keys[pair * STAGED * QUADS + i] = vec4f(x[k]);
      values[pair * STAGED * QUADS + i] = vec4f(x[k + HEADS * QUADS]);
    }
    workgroupBarrier();
    // Softmax online, one row of seven keys a step: rescale what is summed when a higher score comes.
    for (var key = 0u; key < staged; key += WINDOW) {
      // The remainder changes nothing but tells compilers that offsets of seven keys do not overflow: they become part of the loads.
      let at = (pair * STAGED + key % 32u) * QUADS;
      let keyRow = (start + key) / WINDOW;
      let first = (row + 6u - keyRow) % 16u * 13u + column + pair * 169u;
      let other = select(0.0, -100.0 * LOG2E, hidden(edge.y, row, keyRow));
      let before = min(other, near);
      let beyond = min(other, far);
      let s = vec4f(score(q, q2, bias[first + 6u] + select(before, beyond, around(0u)), at),
        score(q, q2, bias[first + 5u] + select(before, beyond, around(1u)), at + 8u),
        score(q, q2, bias[first + 4u] + select(before, beyond, around(2u)), at + 16u),
        score(q, q2, bias[first + 3u] + select(before, beyond, around(3u)), at + 24u));
      let s2 = vec3f(score(q, q2, bias[first + 2u] + select(before, beyond, around(4u)), at + 32u),
        score(q, q2, bias[first + 1u] + select(before, beyond, around(5u)), at + 40u),
        score(q, q2, bias[first] + select(before, beyond, around(6u)), at + 48u));
      let high = max(max(max(s.x, s.y), max(s.z, s.w)), max(max(s2.x, s2.y), max(s2.z, highest)));
      let keep = exp2(highest - high);
      highest = high;
      let p = exp2(s - high);
      let p2 = exp2(s2 - high);
      total = total * keep + dot(p, vec4f(1.0)) + dot(p2, vec3f(1.0));
      sum = Sum(keep * sum.low, keep * sum.high);
      sum = add(add(add(add(sum, p.x, at), p.y, at + 8u), p.z, at + 16u), p.w, at + 24u);
      sum = add(add(add(sum, p2.x, at + 32u), p2.y, at + 40u), p2.z, at + 48u);
    }
  }
  if (thread % LANES >= POSITIONS || group.y * PAIR + pair >= HEADS) { return; }
  let norm = 1.0 / total;
  let out = (position(window, group.z, place) * HEADS + head) * QUADS;
  y[out] = vec4<elem>(norm * sum.low[0]);
  y[out + 1u] = vec4<elem>(norm * sum.low[1]);
  y[out + 2u] = vec4<elem>(norm * sum.low[2]);
  y[out + 3u] = vec4<elem>(norm * sum.low[3]);
  y[out + 4u] = vec4<elem>(norm * sum.high[0]);
  y[out + 5u] = vec4<elem>(norm * sum.high[1]);
  y[out + 6u] = vec4<elem>(norm * sum.high[2]);
  y[out + 7u] = vec4<elem>(norm * sum.high[3]);
}
