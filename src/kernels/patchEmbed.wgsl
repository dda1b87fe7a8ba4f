// y[p, c] = b[c] + sum_{i, dy, dx} x[i, 4 py + dy, 4 px + dx] w[c, i, dy, dx]: Swin's 4x4 convolution of stride 4.
//
// x [3, SIZE, SIZE] planes, w as [48][CHANNELS] (i, dy, dx outermost), y [(SIZE/4)^2, CHANNELS]. A workgroup does a row of
// PATCHES patches, read once into workgroup memory; each thread holds one vec4 of channels of every second patch.
const PATCHES = 14u;
const THREADS = 64u;

override SIZE: u32;
override CHANNELS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> patches: array<vec4f, PATCHES * 12u>; // [cell][i * 4 + dy] of four dx

@compute @workgroup_size(THREADS)
fn patchEmbed(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let side = SIZE / 4u;
  let first = group.x * PATCHES;
  for (var i = thread; i < PATCHES * 12u; i += THREADS) {
    let cell = min(first + i / 12u, side * side - 1u);
    let plane = i % 12u / 4u;
    let py = cell / side * 4u + i % 4u;
    patches[i] = x[(plane * SIZE + py) * side + cell % side];
  }
  workgroupBarrier();
  let quads = CHANNELS / 4u;
  for (var i = thread; i < PATCHES * quads; i += THREADS) {
    let cell = i / quads;
    let c = i % quads;
    var sum = b[c];
    for (var k = 0u; k < 12u; k++) {
      let p = patches[cell * 12u + k];
      let at = k * 4u * quads + c;
      sum += p.x * w[at] + p.y * w[at + quads] + p.z * w[at + 2u * quads] + p.w * w[at + 3u * quads];
    }
    if (first + cell < side * side) { y[(first + cell) * quads + c] = sum; }
  }
}
