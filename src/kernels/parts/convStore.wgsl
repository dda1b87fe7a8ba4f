// A map of a batch: which image's, its side, and its rows of channels, which lie behind those of the images before.
struct Map { image: u32, side: u32, rows: u32 }

// Side and rows come from the length of y and the grid, whose z are its maps: those of every size, and any number of them, share a pipeline.
fn mapOf(image: u32, maps: u32) -> Map {
  let rows = arrayLength(&y) / (COLS / 4u) / maps;
  return Map(image, u32(sqrt(f32(rows)) + 0.5), rows);
}

// The upper left one, of a map of twice the side, of a pixel's four.
fn finer(map: Map, row: u32) -> u32 {
  return 4u * map.image * map.rows + row / map.side * 4u * map.side + row % map.side * 2u;
}

// Stores one vec4 of y: act(sum + b) + pool(r) + up2(c).
fn store(map: Map, row: u32, column: u32, sum: vec4f) {
  let quads = COLS / 4u;
  let at = (map.image * map.rows + row) * quads + column;
  if (row >= map.rows || column >= quads) {
    return;
  }
  var v = sum + b[column];
  if (RELU) {
    v = relu(v);
  }
  if (RESIDUAL == 1u) {
    v += vec4f(r[at]);
  }
  if (RESIDUAL == 2u) {
    let first = finer(map, row) * quads + column;
    let below = first + 2u * map.side * quads;
    v += highestOfFour(vec4f(r[first]), vec4f(r[first + quads]), vec4f(r[below]), vec4f(r[below + quads]));
  }
  if (COARSE) {
    let half = map.side / 2u;
    v += vec4f(c[(map.image * half * half + row / map.side / 2u * half + row % map.side / 2u) * quads + column]);
  }
  y[at] = vec4<output>(v);
}
