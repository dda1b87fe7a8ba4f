// What convolutions read that take their inputs straight from storage.
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
