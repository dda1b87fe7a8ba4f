// y = y + 1: how many frames have come to their end.
//
// The last dispatch of every frame. Who reads y behind it sees that this frame ran, since nothing else writes it.
@group(0) @binding(0) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(1)
fn stamp() {
  y[0] += 1u;
}
