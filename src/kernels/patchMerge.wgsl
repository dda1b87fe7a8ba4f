// y[(py, px), i] = x at (2 py + dy, 2 px + dx), for the four (dy, dx) in the order (0,0), (1,0), (0,1), (1,1).
//
// x [SIDE^2, CHANNELS], y [(SIDE/2)^2, 4 CHANNELS]: the gather of Swin's patch merging, before its norm and linear layer.
const THREADS = 64u;

override SIDE: u32;
override CHANNELS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(THREADS)
fn patchMerge(@builtin(global_invocation_id) id: vec3u) {
  let quads = CHANNELS / 4u;
  let half = SIDE / 2u;
  if (id.x >= half * half * 4u * quads) { return; }
  let part = id.x / quads % 4u;
  let cell = id.x / quads / 4u;
  let row = cell / half * 2u + part % 2u;
  let column = cell % half * 2u + part / 2u;
  y[id.x] = x[(row * SIDE + column) * quads + id.x % quads];
}
