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

struct Corners {
  low: vec2u,
  high: vec2u,
  share: vec2f, // of the high corner
}

fn corners(at: vec2u, factor: u32) -> Corners {
  let side = SIDE / factor;
  let source = max((vec2f(at) + 0.5) / f32(factor) - 0.5, vec2f());
  let low = vec2u(source);
  return Corners(low, min(low + 1u, vec2u(side - 1u)), source - vec2f(low));
}

fn blend(a: vec4<elem>, b: vec4<elem>, c: vec4<elem>, d: vec4<elem>, share: vec2f) -> vec4f {
  return mix(mix(vec4f(a), vec4f(b), share.x), mix(vec4f(c), vec4f(d), share.x), share.y);
}

@compute @workgroup_size(THREADS)
fn bilinearSum(@builtin(global_invocation_id) id: vec3u) {
  let quads = CHANNELS / 4u;
  if (id.x >= SIDE * SIDE * quads) { return; }
  let c = id.x % quads;
  let place = id.x / quads;
  let at = vec2u(place % SIDE, place / SIDE);
  let out = id.z * SIDE * SIDE * quads + id.x;
  var sum = vec4f(x[out]);

  let p2 = corners(at, 2u);
  let top2 = (id.z * (SIDE / 2u) + p2.low.y) * (SIDE / 2u);
  let end2 = (id.z * (SIDE / 2u) + p2.high.y) * (SIDE / 2u);
  sum += blend(x2[(top2 + p2.low.x) * quads + c], x2[(top2 + p2.high.x) * quads + c],
    x2[(end2 + p2.low.x) * quads + c], x2[(end2 + p2.high.x) * quads + c], p2.share);

  let p4 = corners(at, 4u);
  let top4 = (id.z * (SIDE / 4u) + p4.low.y) * (SIDE / 4u);
  let end4 = (id.z * (SIDE / 4u) + p4.high.y) * (SIDE / 4u);
  sum += blend(x4[(top4 + p4.low.x) * quads + c], x4[(top4 + p4.high.x) * quads + c],
    x4[(end4 + p4.low.x) * quads + c], x4[(end4 + p4.high.x) * quads + c], p4.share);

  let p8 = corners(at, 8u);
  let top8 = (id.z * (SIDE / 8u) + p8.low.y) * (SIDE / 8u);
  let end8 = (id.z * (SIDE / 8u) + p8.high.y) * (SIDE / 8u);
  sum += blend(x8[(top8 + p8.low.x) * quads + c], x8[(top8 + p8.high.x) * quads + c],
    x8[(end8 + p8.low.x) * quads + c], x8[(end8 + p8.high.x) * quads + c], p8.share);
  y[out] = sum;
}
