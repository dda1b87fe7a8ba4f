// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c), as conv, by subgroups that are workgroups: parts/subgroup.wgsl.
enable subgroups;

@compute @workgroup_size(LANES)
fn convSubgroup(
  @builtin(workgroup_id) tile: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let map = mapOf(tile.z, grid.z);
  let first = tile.y * ROWS;
  for (var turn = 0u; turn < TURNS; turn++) { // nounroll
    let column = turn * LANES * QUADS + lane;
    var sums = array<vec4f, SUMS>();
    for (var tap = 0u; tap < KERNEL * KERNEL; tap++) { // nounroll
      var pixels = array<Source, EACH>();
      for (var i = 0u; i < EACH; i++) {
        pixels[i] = source(map, first + i * LANES + lane, tap);
      }
      let firstOfW = (tile.x * KERNEL * KERNEL + tap) * INNER * 16u + column;
      for (var quad = 0u; quad < INNER / 4u; quad++) {
        var values = array<vec4f, EACH>();
        for (var i = 0u; i < EACH; i++) { // unroll
          values[i] = input(map, pixels[i], quad);
        }
        addProduct(&sums, values, firstOfW + quad * 64u);
      }
    }
    // A loop, not as many calls: every call is inlined, and compiling would take twice as long.
    for (var i = 0u; i < ROWS; i++) {
      for (var q = 0u; q < QUADS; q++) {
        store(map, first + i, tile.x * 16u + column + q * LANES, sums[i * QUADS + q]);
      }
    }
  }
}
