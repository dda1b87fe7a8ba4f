// y = x + up2(x2) + up4(x4) + up8(x8): three coarser maps upsampled bilinearly (align_corners false) onto the finest.
//
// x [images * SIDE^2, CHANNELS]; x2, x4, x8 of SIDE/2, SIDE/4, SIDE/8. Upsampling commutes with the 1x1 convolutions before it, so
// they have run at low resolution and only this sum is done at the full one.
alias elem = f32;

const THREADS = 64u;

override SIDE: u32;
override CHANNELS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> x2: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> x4: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read> x8: array<vec4<elem>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

// Where four neighbours lie in a coarser map, left to right, upper first, and the share of the right and of the lower ones.
struct Corners { at: vec4u, share: vec2f }

fn corners(at: vec2u, image: u32, column: u32, factor: u32) -> Corners {
  let side = SIDE / factor;
  let source = max((vec2f(at) + 0.5) / f32(factor) - 0.5, vec2f());
  let low = vec2u(source);
  let high = min(low + 1u, vec2u(side - 1u));
  let rows = (image * side + vec2u(low.y, high.y)) * side;
  let places = vec4u(rows.x + low.x, rows.x + high.x, rows.y + low.x, rows.y + high.x);
  return Corners(places * (CHANNELS / 4u) + column, source - vec2f(low));
}

fn blend(a: vec4<elem>, b: vec4<elem>, c: vec4<elem>, d: vec4<elem>, share: vec2f) -> vec4f {
  return mix(mix(vec4f(a), vec4f(b), share.x), mix(vec4f(c), vec4f(d), share.x), share.y);
}

@compute @workgroup_size(THREADS)
fn bilinearSum(@builtin(global_invocation_id) id: vec3u) {
  let quads = CHANNELS / 4u;
  if (id.x >= SIDE * SIDE * quads) {
    return;
  }
  let place = id.x / quads;
  let at = vec2u(place % SIDE, place / SIDE);
  let out = id.z * SIDE * SIDE * quads + id.x;
  let p2 = corners(at, id.z, id.x % quads, 2u);
  let p4 = corners(at, id.z, id.x % quads, 4u);
  let p8 = corners(at, id.z, id.x % quads, 8u);
  y[out] = vec4f(x[out]) + blend(x2[p2.at.x], x2[p2.at.y], x2[p2.at.z], x2[p2.at.w], p2.share)
    + blend(x4[p4.at.x], x4[p4.at.y], x4[p4.at.z], x4[p4.at.w], p4.share)
    + blend(x8[p8.at.x], x8[p8.at.y], x8[p8.at.z], x8[p8.at.w], p8.share);
}
