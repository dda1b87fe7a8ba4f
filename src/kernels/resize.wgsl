// y = Pillow's bicubic resize of each image to SIZE x SIZE, bit for bit: along x, rounded to 8 bits, then along y, rounded to 8 bits;
// each pass is clamp((2^21 + sum over t of weight[t] * value[first + t]) >> 22, 0, 255) in int32.
//
// picture: an image a layer, its crop in the top left corner; crops' sizes are in no constant, only in the table, so that the grid is static.
// table:   where each image's part begins; a part: taps of x, taps of y, then per axis first [SIZE] and weights [taps, SIZE]
//          (src/image/resize.ts); unused taps weigh 0.
// y:       [images, SIZE, SIZE] pixels of four bytes, red lowest, alpha 255. The grid's y is the image.
//
// Why one kernel for two passes: an intermediate would have to hold a crop of any height (7 MB at 8192 rows). A thread makes ROWS
// pixels of one column and walks down the source rows they need, so that each row's sum along x is shared and nothing is stored;
// sums along x are made (ROWS + 3) / ROWS times instead of once.
@group(0) @binding(0) var picture: texture_2d_array<f32>;
@group(0) @binding(1) var<storage, read> table: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

override SIZE: u32;

const ROWS = 4u; // as many as there are names below
const ONE_HALF = 2097152; // 2^21

fn rounded(sum: vec3i) -> vec3i {
  return clamp(sum >> vec3u(22u), vec3i(0), vec3i(255));
}

// The source row `row` of the crop, resized along x, at one output column; `part` is where the image's part of the table begins.
fn alongX(image: u32, part: u32, row: i32, column: u32, taps: u32) -> vec3i {
  let first = table[part + 2u + column];
  var sum = vec3i(ONE_HALF);
  for (var t = 0u; t < taps; t++) {
    let texel = textureLoad(picture, vec2i(first + i32(t), row), image, 0);
    sum += vec3i(texel.rgb * 255.0 + 0.5) * table[part + 2u + SIZE * (1u + t) + column];
  }
  return rounded(sum);
}

// The weight of source row `row` in output row `outRow`; 0 outside its taps (a row above wraps to a large tap).
fn weightOf(row: i32, outRow: u32, base: u32, taps: u32) -> i32 {
  let t = u32(row - table[base + outRow]);
  return select(0, table[base + SIZE * (1u + min(t, taps - 1u)) + outRow], t < taps);
}

fn store(image: u32, outRow: u32, column: u32, sum: vec3i) {
  if (outRow < SIZE) {
    let pixel = vec3u(rounded(sum));
    y[(image * SIZE + outRow) * SIZE + column] = pixel.r | (pixel.g << 8u) | (pixel.b << 16u) | 0xff000000u;
  }
}

@compute @workgroup_size(64, 1, 1)
fn resize(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x % SIZE;
  let top = id.x / SIZE * ROWS;
  if (top >= SIZE) {
    return;
  }
  let part = u32(table[id.y]);
  let tapsX = u32(table[part]);
  let tapsY = u32(table[part + 1u]);
  let base = part + 2u + SIZE * (1u + tapsX);
  let a = top;
  let b = min(top + 1u, SIZE - 1u);
  let c = min(top + 2u, SIZE - 1u);
  let d = min(top + 3u, SIZE - 1u);
  let end = table[base + d] + i32(tapsY);
  var sumA = vec3i(ONE_HALF);
  var sumB = sumA;
  var sumC = sumA;
  var sumD = sumA;
  for (var row = table[base + a]; row < end; row++) {
    let value = alongX(id.y, part, row, column, tapsX);
    sumA += value * weightOf(row, a, base, tapsY);
    sumB += value * weightOf(row, b, base, tapsY);
    sumC += value * weightOf(row, c, base, tapsY);
    sumD += value * weightOf(row, d, base, tapsY);
  }
  store(id.y, top, column, sumA);
  store(id.y, top + 1u, column, sumB);
  store(id.y, top + 2u, column, sumC);
  store(id.y, top + 3u, column, sumD);
}
