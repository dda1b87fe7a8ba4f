// y = softmax(q k^T + bias + mask) v in every 7x7 window of every head, cyclic shift and windows as index maps.
//
// x [SHARES][images * SIDE^2, 3 CHANNELS] holds q, k, v of each position in the order of the map, q scaled by 32^-0.5 already; t [HEADS][169]
// the relative position bias, and where SIDE is no multiple of 7 the q, k, v of a position that pads the map; y [images * SIDE^2, CHANNELS].
// A workgroup is one window of one head of one image. A query has PARTS threads, of which each sees every PARTS-th row of the window's keys: one
// thread alone would take three times as long, and maps of 14 x 14 have few queries. Their sums are merged in halves. Nothing is rolled or copied:
// row i of a window is read from, and written to, where the shift says it came from.

const PARTS = 4u;
const LANES = 64u; // threads of a part, one a query
const THREADS = PARTS * LANES;
const ITEMS = POSITIONS * QUADS; // vec4 of a window's queries, and of its keys and values
const EACH = (ITEMS + THREADS - 1u) / THREADS; // of a thread
const REACH = 13u; // differences of two places in a window, -6 to 6
const OF_SUM = QUADS + 1u; // vec4 of a sum on its way to be merged

// [quad][position] of the window's queries, then of its keys, and behind them of its values; later the sums of half of the parts, [part's quad][query].
var<workgroup> staged: array<array<vec4f, POSITIONS>, 2u * OF_SUM>;
var<workgroup> bias: array<array<f32, REACH>, REACH>;

// A window on the map's far edge has columns, or rows, that came around from the near one: those from 7 - SHIFT on. Queries on one
// side of that border do not see keys on the other.
fn mask(edge: bool, query: u32, key: u32) -> f32 {
  return select(0.0, -100.0 * LOG2E, edge && around(query) != around(key));
}

// `before` and `beyond` are the masks of keys in columns that did not come around, and of those that did.
fn score(q: array<vec4f, QUADS>, added: f32, before: f32, beyond: f32, first: u32, column: u32) -> f32 {
  let key = min(first + column, POSITIONS - 1u);
  var sum = vec4f(added + select(before, beyond, around(column)), 0.0, 0.0, 0.0);
  for (var i = 0u; i < QUADS; i++) { // unroll
    sum = fma(q[i], staged[i][key], sum);
  }
  return sum.x + sum.y + sum.z + sum.w;
}

// What is known of some of a query's keys: the highest score, the sum of exp2(score - highest), the scores' own, and the values', weighted likewise.
struct Sum { highest: f32, total: f32, seen: f32, values: array<vec4f, QUADS> }

fn add(sum: ptr<function, Sum>, p: f32, first: u32, column: u32) {
  let key = min(first + column, POSITIONS - 1u);
  for (var i = 0u; i < QUADS; i++) { // unroll
    sum.values[i] = fma(vec4f(p), staged[QUADS + i][key], sum.values[i]);
  }
}

// Scales what is summed to a higher score.
fn raise(sum: ptr<function, Sum>, highest: f32) {
  let keep = exp2(sum.highest - highest);
  sum.highest = highest;
  sum.total *= keep;
  for (var i = 0u; i < QUADS; i++) { // unroll
    sum.values[i] *= keep;
  }
}

fn leave(sum: ptr<function, Sum>, first: u32, query: u32) {
  let at = min(first, OF_SUM);
  for (var i = 0u; i < QUADS; i++) { // unroll
    staged[at + i][query] = sum.values[i];
  }
  staged[at + QUADS][query] = vec4f(sum.highest, sum.total, sum.seen, 0.0);
}

fn merge(sum: ptr<function, Sum>, first: u32, query: u32) {
  let at = min(first, OF_SUM);
  let other = staged[at + QUADS][query];
  raise(sum, max(sum.highest, other.x));
  let keep = exp2(other.x - sum.highest);
  sum.total += keep * other.y;
  sum.seen += other.z;
  for (var i = 0u; i < QUADS; i++) { // unroll
    sum.values[i] += keep * staged[at + i][query];
  }
}

@compute @workgroup_size(THREADS)
fn windowAttention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let across = paddedSide() / WINDOW;
  let window = vec2u(group.x % across, group.x / across);
  let edge = vec2<bool>(SHIFT > 0u) & (window == vec2u(across - 1u));
  let head = group.y;
  let part = thread / LANES;
  let lane = thread % LANES;
  let place = min(lane, POSITIONS - 1u);
  let column = place % WINDOW;
  let row = place / WINDOW;
  let own = position(window, group.z, place);
  // A head's numbers of a position lie side by side in x, and neighbours among the threads bring them. So are queries brought, each for PARTS threads.
  var keys = array<vec4f, EACH>();
  var values = array<vec4f, EACH>();
  for (var n = 0u; n < EACH; n++) { // unroll
    let item = thread + n * THREADS;
    if (item < ITEMS) {
      let at = (position(window, group.z, item / QUADS) * 3u * HEADS + head) * QUADS + item % QUADS;
      staged[item % QUADS][item / QUADS] = LOG2E * quadAt(at);
      keys[n] = quadAt(at + HEADS * QUADS);
      values[n] = quadAt(at + 2u * HEADS * QUADS);
    }
  }
  workgroupBarrier();
  var q = array<vec4f, QUADS>();
  for (var i = 0u; i < QUADS; i++) { // unroll
    q[i] = staged[i][place];
  }
  workgroupBarrier(); // before keys are written over the queries
  for (var n = 0u; n < EACH; n++) { // unroll
    let item = thread + n * THREADS;
    if (item < ITEMS) {
      staged[item % QUADS][item / QUADS] = keys[n];
      staged[QUADS + item % QUADS][item / QUADS] = values[n];
    }
  }
  for (var i = thread; i < REACH * REACH; i += THREADS) {
    bias[i / REACH][i % REACH] = LOG2E * t[head * REACH * REACH + i];
  }
  let near = mask(edge.x, column, 0u);
  let far = mask(edge.x, column, WINDOW);
  var sum = Sum();
  sum.highest = -3.0e38;
  workgroupBarrier();
  // Softmax online, one row of seven keys a step: what is summed is scaled when a higher score comes.
  for (var keyRow = part; keyRow < WINDOW; keyRow += PARTS) {
    let first = keyRow * WINDOW;
    let added = &bias[row + 6u - keyRow];
    let other = mask(edge.y, row, keyRow);
    let before = min(other, near);
    let beyond = min(other, far);
    var scores = array<f32, WINDOW>();
    var highest = sum.highest;
    for (var i = 0u; i < WINDOW; i++) { // unroll
      scores[i] = score(q, added[column + 6u - i], before, beyond, first, i);
      highest = max(highest, scores[i]);
    }
    raise(&sum, highest);
    for (var i = 0u; i < WINDOW; i++) { // unroll
      let p = exp2(scores[i] - highest);
      sum.seen += scores[i];
      sum.total += p;
      add(&sum, p, first, i);
    }
  }
  for (var half = PARTS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier(); // before what others still read is written over
    if (part >= half && part < 2u * half && lane < POSITIONS) {
      leave(&sum, (part - half) * OF_SUM, lane);
    }
    workgroupBarrier();
    if (part < half) {
      merge(&sum, part * OF_SUM, place);
    }
  }
  if (part > 0u || lane >= POSITIONS || pads(own)) {
    return;
  }
  let norm = unlessLost(vec4f(1.0 / sum.total), vec4f(sum.seen)).x;
  let out = (own * HEADS + head) * QUADS;
  for (var i = 0u; i < QUADS; i++) { // unroll
    y[out + i] = vec4<elem>(norm * sum.values[i]);
  }
}
