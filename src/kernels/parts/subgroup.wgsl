// What a subgroup makes of a tile of 28 rows by 64 columns where it is a workgroup of its own, of exactly LANES threads: on CPUs that run WebGPU.
//
// There a load of four numbers is some fifty instructions a lane, and a multiply-add of all lanes three. So each lane reads four numbers of rows of
// its own, and all hear them. A thread makes the rows by QUADS times four columns at a time. With eight lanes more than one quad would be more code
// than a processor's first cache holds, so that the 64 columns take two turns there.
const ROWS = 28u;
const LANES = 4u;
const QUADS = 4u;
const SUMS = ROWS * QUADS;
const EACH = (ROWS + LANES - 1u) / LANES; // rows that a lane reads
const TURNS = 16u / LANES / QUADS;

// Adds the product of four numbers of each row, which its lane has, with four rows of w.
fn addProduct(sums: ptr<function, array<vec4f, SUMS>>, values: array<vec4f, EACH>, firstOfW: u32) {
  var columns = array<mat4x4f, QUADS>();
  for (var q = 0u; q < QUADS; q++) { // unroll
    columns[q] = columnsAt(firstOfW + q * LANES);
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    let v = subgroupBroadcast(values[i / LANES], i % LANES);
    for (var q = 0u; q < QUADS; q++) { // unroll
      sums[i * QUADS + q] += columns[q] * v;
    }
  }
}
