// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c), as conv, for subgroups of exactly four; see there.
//
// A thread holds 28 rows by 16 columns; each of the four lanes loads one of four values of x and all hear it, as in matmulSubgroup
// and for its reason. Where a tap's pixel lies outside, the row is read all the same and counts 0 times.
enable subgroups;

const ROWS = 28u;
const QUADS = 4u; // of columns, of a thread
const THREADS = 4u;
const SUMS = ROWS * QUADS;

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(3) var<storage, read> s: array<f32>;

struct Source { at: u32, live: f32 } // index of the pixel's first value in x, and 0 where the tap lies outside

// No branches here: twenty-eight of them in a row would take minutes to compile.
fn source(map: Map, r0: u32, tap: u32) -> Source {
  let row = min(r0, map.rows - 1u);
  let side = STRIDE * map.side;
  let first = STRIDE * vec2u(row % map.side, row / map.side);
  let at = first + vec2u(tap % 3u, tap / 3u) - 1u; // wraps to a large number on the left and above
  let inside = KERNEL == 1u || all(at < vec2u(side));
  let place = select(first, at, KERNEL == 3u && inside);
  let pixel = place.y * side + place.x;
  return Source(select(map.image * side * side + pixel, finer(map, pixel), POOL) * INNER, select(0.0, 1.0, inside));
}

fn input(pixel: Source, k: u32, below: u32, scale: f32, shift: f32) -> vec4f {
  let at = pixel.at + k;
  var v = f32(x[at]);
  if (POOL) {
    // A number that is lost may vanish here: the block's last convolution adds the highest of the same four, and keeps it.
    v = max(max(v, f32(x[at + INNER])), max(f32(x[at + below]), f32(x[at + below + INNER])));
  }
  if (PREACTIVATION) {
    v = relu(vec4f(v * scale + shift)).x;
  }
  v *= pixel.live;
  return four(v);
}

@compute @workgroup_size(THREADS)
fn convSubgroup(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) column: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let map = mapOf(tile.z, grid.z);
  let below = 2u * map.side * INNER;
  let row = tile.y * ROWS;
  var pixels = array<Source, ROWS>();
  var sums = array<vec4f, SUMS>();
  for (var tap = 0u; tap < KERNEL * KERNEL; tap++) {
    for (var i = 0u; i < ROWS; i++) {
      pixels[i] = source(map, row + i, tap);
    }
    for (var k = 0u; k < INNER; k += 4u) {
      let own = k + lane; // the channel that this lane loads
      let at = ((tile.x * KERNEL * KERNEL + tap) * INNER + k) * 16u + column;
      let wa = columnsAt(at);
      let wb = columnsAt(at + 4u);
      let wc = columnsAt(at + 8u);
      let wd = columnsAt(at + 12u);
      var scale = 1.0;
      var shift = 0.0;
      if (PREACTIVATION) {
        scale = s[own];
        shift = s[INNER + own];
      }
      for (var i = 0u; i < ROWS; i++) { // unroll
        let v = input(pixels[i], own, below, scale, shift);
        sums[i * QUADS] += wa * v;
        sums[i * QUADS + 1u] += wb * v;
        sums[i * QUADS + 2u] += wc * v;
        sums[i * QUADS + 3u] += wd * v;
      }
    }
  }
  // A loop, not 112 calls: every call is inlined, and compiling would take twice as long.
  for (var i = 0u; i < ROWS; i++) {
    for (var q = 0u; q < QUADS; q++) {
      store(map, row + i, tile.x * 16u + column + q * 4u, sums[i * QUADS + q]);
    }
  }
}
