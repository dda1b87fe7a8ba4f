// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c): a KERNEL x KERNEL convolution with KERNEL / 2 rows and columns of zeros around, of stride
// STRIDE, and all that stands around it in an hourglass block, where the stride is 1. pre(x) = max(x s[0] + s[1], 0), the batch norm and ReLU before it.
//
// x [images * (STRIDE side)^2, INNER], y [images * side^2, COLS]; pool is the 2x2 maximum of a map of twice the side, up2 repeats each pixel
// of one of half the side. A matrix product whose inner index is tap, then channel: w packed as [COLS/64][KERNEL^2 INNER][64]. Tiles
// of one image, as those of matmul, into which each tap's pixels are gathered; those outside are 0. In SHARES of the inner index where tiles are few:
// the grid's z are then shares of images, and y [SHARES][images * side^2, COLS] of mere sums, which sumConvShares adds up.

const TILE_ROWS = 32u;
const TILE_QUADS = 16u;
const ROWS = 4u;
const QUADS = 1u;
const TILE_K = 16u;
const AHEAD = 1u; // 0: a step is read when it is due, which takes fewer registers

override SHARES: u32; // of KERNEL^2 INNER, over the grid's z

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read> s: array<vec4f>;

// What a thread brings of a step: read while the step before is multiplied, and put into workgroup memory after it.
struct Part {
  x: array<vec4f, X_EACH>,
  inside: array<bool, X_EACH>,
  scale: vec4f,
  shift: vec4f,
  w: array<vec4f, W_EACH>,
}

// Where a thread reads: column and row of the pixels in its map, the quad of a step, the first vec4 of w.
struct Reader { pixels: array<vec2u, X_EACH>, quad: u32, w: u32 }

fn fetch(map: Map, reader: Reader, k: u32) -> Part {
  var part = Part();
  let tap = k / INNER;
  let quad = k % INNER / 4u + reader.quad;
  let quads = INNER / 4u;
  let side = STRIDE * map.side; // of x, unless it is pooled
  for (var i = 0u; i < X_EACH; i++) { // unroll
    var pixel = STRIDE * reader.pixels[i];
    part.inside[i] = true;
    if (KERNEL == 3u) {
      let at = pixel + vec2u(tap % 3u, tap / 3u); // plus 1, so that it is never negative
      part.inside[i] = all(at > vec2u()) && all(at <= vec2u(side));
      pixel = clamp(at, vec2u(1u), vec2u(side)) - 1u;
    }
    if (POOL) {
      let first = (4u * map.image * map.rows + 4u * pixel.y * map.side + 2u * pixel.x) * quads + quad;
      let below = first + 2u * map.side * quads;
      // A number that is lost may vanish here: the block's last convolution adds the highest of the same four, and keeps it.
      part.x[i] = max(max(vec4f(x[first]), vec4f(x[first + quads])), max(vec4f(x[below]), vec4f(x[below + quads])));
    } else {
      part.x[i] = vec4f(x[((map.image * side + pixel.y) * side + pixel.x) * quads + quad]);
    }
  }
  if (PREACTIVATION) {
    part.scale = s[quad];
    part.shift = s[quads + quad];
  }
  for (var i = 0u; i < W_EACH; i++) { // unroll
    part.w[i] = vec4f(w[reader.w + (k + i * (THREADS / TILE_QUADS)) * 16u]); // beyond a step, where its items are fewer, for nothing
  }
  return part;
}

@compute @workgroup_size(THREADS)
fn conv(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let all = KERNEL * KERNEL * INNER;
  let images = grid.z / SHARES;
  let map = mapOf(group.z % images, grid.z);
  let place = placeOf(thread);
  let inner = all / SHARES;
  let k0 = group.z / images * inner;
  let quad = group.x * TILE_QUADS + thread % TILE_QUADS;
  var reader: Reader;
  reader.quad = thread % STEP;
  reader.w = (quad / 16u * all + thread / TILE_QUADS) * 16u + quad % 16u;
  for (var i = 0u; i < X_EACH; i++) { // unroll
    let row = min(group.y * TILE_ROWS + (thread + i * THREADS) / STEP, map.rows - 1u);
    reader.pixels[i] = vec2u(row % map.side, row / map.side);
  }
  var sums = array<vec4f, SUMS>();
  var next = fetch(map, reader, k0);
  for (var step = 0u; step < inner; step += TILE_K) {
    if (AHEAD == 0u) {
      next = fetch(map, reader, k0 + step);
    }
    for (var i = 0u; i < X_EACH; i++) { // unroll
      var v = next.x[i];
      if (PREACTIVATION) {
        v = v * next.scale + next.shift;
        v = select(relu(v), max(v, vec4f()), POOL); // as above: what is lost of a pooled map is kept elsewhere
      }
      putX(thread, i, select(vec4f(), v, next.inside[i]));
    }
    for (var i = 0u; i < W_EACH; i++) { // unroll
      putW(thread, i, next.w[i]);
    }
    workgroupBarrier();
    if (AHEAD == 1u) {
      next = fetch(map, reader, k0 + min(step + TILE_K, inner - TILE_K)); // at last once more, for nothing
    }
    multiply(place, &sums);
    workgroupBarrier();
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    let row = group.y * TILE_ROWS + place.y * ROWS + i;
    for (var v = 0u; v < QUADS; v++) { // unroll
      let quad = group.x * TILE_QUADS + v * ACROSS + place.x;
      if (SHARES == 1u) {
        store(map, row, quad, sums[i * QUADS + v]);
      } else if (row < map.rows && quad * 4u < COLS) {
        y[(group.z * map.rows + row) * (COLS / 4u) + quad] = vec4<output>(sums[i * QUADS + v]);
      }
    }
  }
}
