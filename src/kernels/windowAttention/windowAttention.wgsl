// y = softmax(q k^T + bias + mask) v in every 7x7 window of every head, cyclic shift and windows as index maps.
//
// x [images * SIDE^2, 3 CHANNELS] holds q, k, v of each position in the order of the map, q scaled by 32^-0.5 already; t [HEADS][169]
// the relative position bias, and where SIDE is no multiple of 7 the q, k, v of a position that pads the map; y [images * SIDE^2, CHANNELS].
// A workgroup is one window of two heads of one image, a thread one query.
// Keys and values lie in workgroup memory, four of the window's rows at a time: with all of them there, it would hold too few
// workgroups. Nothing is rolled or copied: row i of a window is read from, and written to, where the shift says it came from.

const PAIR = 2u; // heads of one workgroup
const LANES = 64u; // threads of one head
const THREADS = 128u;
const STAGED = 4u; // rows of the window whose keys and values are in workgroup memory
const REACH = 13u; // differences of two places in a window, -6 to 6

// [head, row][column] of a head's vec4: all but the row is constant where it counts, and what is constant needs no check of its bounds.
var<workgroup> keys: array<array<array<vec4f, QUADS>, WINDOW>, PAIR * STAGED>;
var<workgroup> values: array<array<array<vec4f, QUADS>, WINDOW>, PAIR * STAGED>;
var<workgroup> bias: array<array<f32, REACH>, PAIR * REACH>;

// A window on the map's far edge has columns, or rows, that came around from the near one: those from 7 - SHIFT on. Queries on one
// side of that border do not see keys on the other.
fn mask(edge: bool, query: u32, key: u32) -> f32 {
  return select(0.0, -100.0 * LOG2E, edge && around(query) != around(key));
}

// `before` and `beyond` are the masks of keys in columns that did not come around, and of those that did.
fn score(q: mat4x4f, q2: mat4x4f, added: f32, before: f32, beyond: f32, row: u32, column: u32) -> f32 {
  let k = &keys[row][column];
  var sum = vec4f(added + select(before, beyond, around(column)), 0.0, 0.0, 0.0);
  sum += q[0] * k[0];
  sum += q[1] * k[1];
  sum += q[2] * k[2];
  sum += q[3] * k[3];
  sum += q2[0] * k[4];
  sum += q2[1] * k[5];
  sum += q2[2] * k[6];
  sum += q2[3] * k[7];
  return sum.x + sum.y + sum.z + sum.w;
}

struct Sum { low: mat4x4f, high: mat4x4f }

fn add(sum: Sum, p: f32, row: u32, column: u32) -> Sum {
  let v = &values[row][column];
  return Sum(sum.low + p * mat4x4f(v[0], v[1], v[2], v[3]), sum.high + p * mat4x4f(v[4], v[5], v[6], v[7]));
}

@compute @workgroup_size(THREADS)
fn windowAttention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let across = paddedSide() / WINDOW;
  let window = vec2u(group.x % across, group.x / across);
  let edge = vec2<bool>(SHIFT > 0u) & (window == vec2u(across - 1u));
  let pair = thread / LANES;
  let head = min(group.y * PAIR + pair, HEADS - 1u);
  let lane = thread % LANES;
  let place = min(lane, POSITIONS - 1u);
  let column = place % WINDOW;
  let row = place / WINDOW;
  let own = position(window, group.z, place);
  let query = (own * 3u * HEADS + head) * QUADS;
  let q = LOG2E * mat4x4f(quadAt(query), quadAt(query + 1u), quadAt(query + 2u), quadAt(query + 3u));
  let q2 = LOG2E * mat4x4f(quadAt(query + 4u), quadAt(query + 5u), quadAt(query + 6u), quadAt(query + 7u));
  let near = mask(edge.x, column, 0u);
  let far = mask(edge.x, column, WINDOW);
  for (var i = lane; i < REACH * REACH; i += LANES) {
    bias[pair * REACH + i / REACH][i % REACH] = LOG2E * t[head * REACH * REACH + i];
  }

  var sum = Sum();
  var total = 0.0;
  var highest = -3.0e38;
  var seen = vec4f();
  for (var first = 0u; first < WINDOW; first += STAGED) {
    workgroupBarrier();
    if (lane < WINDOW * QUADS) {
      for (var i = 0u; i < STAGED; i++) { // a row beyond the window is read from the map, and not used
        let k = ((position(window, group.z, (first + i) * WINDOW + lane / QUADS) * 3u + 1u) * HEADS + head) * QUADS + lane % QUADS;
        keys[pair * STAGED + i][lane / QUADS][lane % QUADS] = quadAt(k);
        values[pair * STAGED + i][lane / QUADS][lane % QUADS] = quadAt(k + HEADS * QUADS);
      }
    }
    workgroupBarrier();
    // Softmax online, one row of seven keys a step: rescale what is summed when a higher score comes.
    for (var i = 0u; i < min(STAGED, WINDOW - first); i++) {
      let at = pair * STAGED + i;
      let keyRow = first + i;
      let added = &bias[pair * REACH + row + 6u - keyRow];
      let other = mask(edge.y, row, keyRow);
      let before = min(other, near);
      let beyond = min(other, far);
      let s = vec4f(score(q, q2, added[column + 6u], before, beyond, at, 0u),
        score(q, q2, added[column + 5u], before, beyond, at, 1u),
        score(q, q2, added[column + 4u], before, beyond, at, 2u),
        score(q, q2, added[column + 3u], before, beyond, at, 3u));
      let s2 = vec3f(score(q, q2, added[column + 2u], before, beyond, at, 4u),
        score(q, q2, added[column + 1u], before, beyond, at, 5u),
        score(q, q2, added[column], before, beyond, at, 6u));
      seen += s + vec4f(s2, 0.0);
      let high = max(max(max(s.x, s.y), max(s.z, s.w)), max(max(s2.x, s2.y), max(s2.z, highest)));
      let keep = exp2(highest - high);
      highest = high;
      let p = exp2(s - high);
      let p2 = exp2(s2 - high);
      total = total * keep + dot(p, vec4f(1.0)) + dot(p2, vec3f(1.0));
      sum = Sum(keep * sum.low, keep * sum.high);
      sum = add(add(add(add(sum, p.x, at, 0u), p.y, at, 1u), p.z, at, 2u), p.w, at, 3u);
      sum = add(add(add(sum, p2.x, at, 4u), p2.y, at, 5u), p2.z, at, 6u);
    }
  }
  if (lane >= POSITIONS || group.y * PAIR + pair >= HEADS || pads(own)) {
    return;
  }
  let norm = unlessLost(vec4f(1.0 / total), vec4f(dot(seen, vec4f(1.0)))).x;
  let out = (own * HEADS + head) * QUADS;
  for (var i = 0u; i < 4u; i++) {
    y[out + i] = vec4<elem>(norm * sum.low[i]);
    y[out + 4u + i] = vec4<elem>(norm * sum.high[i]);
  }
}
