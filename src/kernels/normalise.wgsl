// y[c, i] = lookup[c, byte c of x[i]]: bytes to the network's numbers, (v / 255 - mean[c]) / std[c].
//
// x:      [images][PIXELS] pixels of four bytes, red lowest; alpha is not read.
// lookup: [3, 256], made on the CPU (src/image/resize.ts).
// y:      [images][3, PIXELS] float32, planar.
//
// Why a table: WGSL's division may be off by 2.5 ULP; there are 768 results, and rounded once they are PyTorch's on every GPU.
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> lookup: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

override PIXELS: u32;

@compute @workgroup_size(64, 1, 1)
fn normalise(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= PIXELS) {
    return;
  }
  let pixel = x[id.y * PIXELS + i];
  let first = id.y * 3u * PIXELS + i; // y: an image a line of the grid
  y[first] = lookup[pixel & 255u];
  y[first + PIXELS] = lookup[256u + ((pixel >> 8u) & 255u)];
  y[first + 2u * PIXELS] = lookup[512u + ((pixel >> 16u) & 255u)];
}
