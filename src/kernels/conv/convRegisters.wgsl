// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c): conv, whose shapes, bindings and packing it has, for GPUs with few registers and
// slow workgroup memory (phones). A thread makes 4 rows by 4 columns from what it reads itself, or 2 by 4 where every input is four
// pixels; where its rows' pixels of a tap lie, and whether inside the map, is found once a tap.

const ROWS = 4u; // of a thread: 4 or 2
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read> s: array<vec4f>;

struct Source { first: u32, inside: bool } // of a row's pixels at one tap: the first vec4; outside the map any of it

fn source(map: Map, row: u32, tap: u32) -> Source {
  let known = min(row, map.rows - 1u);
  let side = STRIDE * map.side;
  var at = STRIDE * vec2u(known % map.side, known / map.side);
  var inside = true;
  if (KERNEL == 3u) {
    at += vec2u(tap % 3u, tap / 3u); // plus 1, so that it is never negative
    inside = all(at > vec2u()) && all(at <= vec2u(side));
    at = clamp(at, vec2u(1u), vec2u(side)) - 1u;
  }
  let pixel = at.y * side + at.x;
  return Source(select(map.image * side * side + pixel, finer(map, pixel), POOL) * (INNER / 4u), inside);
}

fn input(map: Map, pixels: Source, quad: u32) -> vec4f {
  let quads = INNER / 4u;
  let first = pixels.first + quad;
  var v = vec4f(x[first]);
  if (POOL) {
    let below = first + 2u * map.side * quads;
    // A number that is lost may vanish here: the block's last convolution adds the highest of the same four, and keeps it.
    v = max(max(v, vec4f(x[first + quads])), max(vec4f(x[below]), vec4f(x[below + quads])));
  }
  if (PREACTIVATION) {
    v = relu(v * s[quad] + s[quads + quad]);
  }
  if (KERNEL == 3u) {
    v = select(vec4f(), v, pixels.inside);
  }
  return v;
}

@compute @workgroup_size(THREADS)
fn convRegisters(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let map = mapOf(tile.z, grid.z);
  let column = tile.x * 16u + thread % 16u;
  let row = (tile.y * 4u + thread / 16u) * ROWS;
  var sums = array<vec4f, ROWS>();
  for (var tap = 0u; tap < KERNEL * KERNEL; tap++) {
    var pixels = array<Source, ROWS>();
    for (var i = 0u; i < ROWS; i++) { // unroll
      pixels[i] = source(map, row + i, tap);
    }
    for (var quad = 0u; quad < INNER / 4u; quad++) {
      let columns = columnsAt(((tile.x * KERNEL * KERNEL + tap) * INNER + quad * 4u) * 16u + thread % 16u);
      for (var i = 0u; i < ROWS; i++) { // unroll
        sums[i] = plusProduct(sums[i], columns, input(map, pixels[i], quad));
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    store(map, row + i, column, sums[i]);
  }
}
