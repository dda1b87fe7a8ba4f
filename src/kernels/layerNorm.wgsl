// y = (x - mean) / deviation g + beta of each row, by the statistics that a stream carries: for norms before what is no product of the same rows, since
// such a product normalises as it reads.
//
// x a stream of [ROWS, INNER], y [ROWS, INNER]; n gamma, then beta. A thread makes four numbers of a row.
alias output = f32;

const THREADS = 64u;
const SIDE = 0u; // a row is a row: no neighbours

override INNER: u32;
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> n: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<output>>;

// Where a row of the stream begins, and a quad in it, as momentsOf asks.
fn source(row: u32, quad: u32) -> vec2u {
  return vec2u(row * (INNER / 4u + INNER / 64u), quad);
}

@compute @workgroup_size(THREADS)
fn layerNorm(@builtin(global_invocation_id) id: vec3u) {
  let quads = INNER / 4u;
  if (id.x >= arrayLength(&y)) {
    return;
  }
  let row = id.x / quads;
  let quad = id.x % quads;
  let m = momentsOf(row);
  y[id.x] = vec4<output>((x[source(row, 0u).x + quad] - m.x) * m.y * n[quad] + n[quads + quad]);
}
