// A tile whose sums are in the registers of its threads: each has ROWS rows by QUADS times four columns, of TILE_ROWS rows by 64 columns in all.
const SUMS = ROWS * QUADS;
const DOWN = THREADS / ACROSS;
const TILE_ROWS = DOWN * ROWS;

var<workgroup> moments: array<array<vec2f, ROWS>, DOWN>; // of rows: mean, 1 / deviation
var<workgroup> parts: array<array<array<vec2f, 16>, ROWS>, DOWN>; // mean and sum of squared differences of each vec4 of y

// Where a thread is: the tile's first row of x and y, and the last that there is; how far down the tile, and its own first vec4 of columns.
struct Part { first: u32, last: u32, down: u32, column: u32 }

fn partOf(tile: vec3u, images: u32, thread: u32) -> Part {
  let rowsOfZ = arrayLength(&y) / yRow() / images; // of images with a weight each, which then are the grid's z
  return Part(tile.z * rowsOfZ + tile.y * TILE_ROWS, (tile.z + 1u) * rowsOfZ - 1u, thread / ACROSS, thread % ACROSS * QUADS);
}

// A row of the thread's, or the last that there is.
fn rowOf(part: Part, i: u32) -> u32 {
  return part.first + min(part.down * ROWS + i, part.last - part.first);
}

// The means of a thread's rows, which it takes from what it reads; what is left of the norm is a factor of its sums.
fn meansOf(part: Part, thread: u32) -> array<f32, ROWS> {
  var means = array<f32, ROWS>();
  if (!NORM) {
    return means;
  }
  for (var i = thread; i < TILE_ROWS; i += THREADS) {
    moments[i / ROWS][i % ROWS] = momentsOf(min(part.first + i, part.last));
  }
  workgroupBarrier();
  for (var i = 0u; i < ROWS; i++) {
    means[i] = moments[part.down][i].x;
  }
  return means;
}

// Stores what is made of a thread's sums in the tile that is `tileX` across, and the statistics of the tile's rows.
fn finish(sums: ptr<function, array<vec4f, SUMS>>, part: Part, tileX: u32, thread: u32) {
  for (var i = 0u; i < ROWS; i++) {
    let scale = select(1.0, moments[part.down][i].y, NORM);
    for (var q = 0u; q < QUADS; q++) {
      let v = store(part.first + part.down * ROWS + i, part.last, tileX * 16u + part.column + q, scale * sums[i * QUADS + q]);
      if (STREAM) {
        parts[part.down][i][part.column + q] = momentsOfQuad(v);
      }
    }
  }
  workgroupBarrier();
  if (!STREAM) {
    return;
  }
  for (var i = thread; i < TILE_ROWS && part.first + i <= part.last; i += THREADS) {
    let row = &parts[i / ROWS][i % ROWS];
    var sum = vec2f();
    for (var j = 0u; j < 16u; j++) {
      sum += row[j];
    }
    let mean = sum.x / 16.0;
    for (var j = 0u; j < 16u; j++) {
      let d = row[j].x - mean;
      sum.y += 4.0 * d * d;
    }
    y[(part.first + i) * yRow() + COLS / 4u + tileX] = vec4<output>(vec4f(mean, sum.y, 0.0, 0.0));
  }
}
