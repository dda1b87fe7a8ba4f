// y = act(conv(pre(pool(x))) + b) + pool(r) + up2(c): conv, whose shapes, bindings and packing it has, for GPUs with few registers and
// slow workgroup memory (phones). A thread makes 4 rows by 4 columns from what it reads itself, or 2 by 4 where every input is four
// pixels; where its rows' pixels of a tap lie, and whether inside the map, is found once a tap.

const ROWS = 4u; // of a thread: 4 or 2
const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn convRegisters(@builtin(workgroup_id) tile: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) thread: u32) {
  let map = mapOf(tile.z, grid.z);
  let column = tile.x * 16u + thread % 16u;
  let row = (tile.y * 4u + thread / 16u) * ROWS;
  var sums = array<vec4f, ROWS>();
  for (var tap = 0u; tap < KERNEL * KERNEL; tap++) {
    var pixels = array<Source, ROWS>();
    for (var i = 0u; i < ROWS; i++) { // unroll
      pixels[i] = source(map, row + i, tap);
    }
    for (var quad = 0u; quad < INNER / 4u; quad++) {
      let columns = columnsAt(((tile.x * KERNEL * KERNEL + tap) * INNER + quad * 4u) * 16u + thread % 16u);
      for (var i = 0u; i < ROWS; i++) { // unroll
        sums[i] = plusProduct(sums[i], columns, input(map, pixels[i], quad));
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    store(map, row + i, column, sums[i]);
  }
}
