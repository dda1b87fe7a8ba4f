// The parsing map: class tokens times the map that two 2x2 upscalings leave; the class of the highest product, the lowest of equals (255: no numbers).
//   z = gelu(norm(x)), u[s] = gelu(z W + b) for the four quarters s of a pixel, logits = h u[s]
//
// x [images * 4 SIDE^2, 64]: rows in nested order, position of the SIDE map, then quarter; n gamma, beta of the norm, then b [32];
// w [32 / 4][64][4 quarters][4]; h [images][CLASSES, 32]; y one byte a pixel of [images][4 SIDE, 4 SIDE], or with LOGITS the products, float32
// [images][CLASSES][4 SIDE, 4 SIDE]. A workgroup is ROWS rows of an image, normed once into workgroup memory; a thread has one quarter of
// EACH.
alias elem = f32;
alias weight = f32;

const THREADS = 64u;
const EACH = 2u; // at most 2
const AHEAD = 1u; // steps of four inputs whose weights are on their way at a time, a divisor of 16, or 0 where a column is read when it is due
const CLASSES = 11u;
const ROWS = THREADS / 4u * EACH;

override SIDE: u32;
override LOGITS: bool;
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> n: array<vec4f>;
@group(0) @binding(2) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;

var<workgroup> z: array<array<vec4f, 17>, ROWS>; // a vec4 of padding a row
var<workgroup> classes: array<array<u32, 4>, ROWS>; // [row][quarter]

// THREADS / ROWS threads norm a row: each reads the whole of it, and stores its part.
fn norm(at: u32, row: u32, first: u32, count: u32) {
  var sum = vec4f();
  for (var i = 0u; i < 16u; i++) {
    sum += vec4f(x[at + i]);
  }
  let mean = dot(sum, vec4f(1.0)) / 64.0;
  // A row is as much as Intel's threads have registers: there it is read again, from elsewhere on, or compilers would keep it.
  var squares = vec4f();
  for (var i = 0u; i < 16u; i++) {
    let d = vec4f(x[at + (select(0u, first, AHEAD == 0u) + i) % 16u]) - mean;
    squares += d * d;
  }
  let square = dot(squares, vec4f(1.0));
  let scale = unlessLost(vec4f(inverseSqrt(square / 64.0 + EPS)), vec4f(square)).x;
  for (var i = first; i < first + count; i++) {
    z[row][i] = gelu((vec4f(x[at + i]) - mean) * scale * n[i] + n[16u + i]);
  }
}

// The first pixel of a row. Rows are nested: a position's quarters lie side by side.
fn pixelOf(row: u32) -> u32 {
  let cell = row / 4u;
  return (cell / SIDE * 4u + row / 2u % 2u * 2u) * 4u * SIDE + cell % SIDE * 4u + row % 2u * 2u;
}

@compute @workgroup_size(THREADS)
fn parse(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row0 = group.x * ROWS;
  let rows = 4u * SIDE * SIDE;
  let wide = 4u * SIDE;
  let threads = THREADS / ROWS; // of a row
  norm((group.y * rows + min(row0 + thread / threads, rows - 1u)) * 16u, thread / threads, thread % threads * (16u / threads), 16u / threads);
  workgroupBarrier();
  let place = thread / 4u * EACH; // first of the thread's rows
  let quarter = thread % 4u;
  // Four channels at a time, and what they add to every class: few registers, so that many waves hide each other's loads.
  var logits = array<f32, CLASSES * EACH>();
  let steps = min(16u, arrayLength(&n)); // 16, which compilers are not told: unrolled, the loop would take all registers
  for (var c = 0u; c < 32u / 4u; c++) {
    var u = array<vec4f, EACH>();
    for (var i = 0u; i < EACH; i++) {
      u[i] = n[32u + c];
    }
    if (AHEAD == 0u) {
      for (var k = 0u; k < 16u; k++) { // nounroll
        for (var j = 0u; j < 4u; j++) { // unroll
          for (var i = 0u; i < EACH; i++) { // unroll
            u[i] += vec4f(w[(c * 16u + k) * 16u + quarter + 4u * j]) * z[place + i][k][j];
          }
        }
      }
    } else {
      for (var k = 0u; k < steps; k += AHEAD) {
        var m = array<mat4x4f, max(AHEAD, 1u)>();
        for (var s = 0u; s < AHEAD; s++) { // unroll
          let at = (c * 16u + k + s) * 16u + quarter;
          m[s] = mat4x4f(vec4f(w[at]), vec4f(w[at + 4u]), vec4f(w[at + 8u]), vec4f(w[at + 12u]));
        }
        for (var s = 0u; s < AHEAD; s++) { // unroll
          for (var i = 0u; i < EACH; i++) { // unroll
            u[i] = plusProduct(u[i], m[s], z[place + i][k + s]);
          }
        }
      }
    }
    for (var i = 0u; i < EACH; i++) {
      u[i] = gelu(u[i]);
    }
    for (var k = 0u; k < CLASSES; k++) {
      let m = h[(group.y * CLASSES + k) * 8u + c];
      for (var i = 0u; i < EACH; i++) {
        let l = &logits[i * CLASSES + k];
        *l = fma(m.x, u[i].x, *l);
        *l = fma(m.y, u[i].y, *l);
        *l = fma(m.z, u[i].z, *l);
        *l = fma(m.w, u[i].w, *l);
      }
    }
  }
  for (var i = 0u; i < EACH; i++) {
    let row = min(row0 + place + i, rows - 1u);
    var best = logits[i * CLASSES];
    var found = 0u;
    var seen = 0.0;
    for (var k = 0u; k < CLASSES; k++) {
      let logit = logits[i * CLASSES + k];
      seen += logit;
      found = select(found, k, logit > best);
      best = max(best, logit);
    }
    classes[place + i][quarter] = select(found, 255u, isLost(vec4f(seen)).x); // no number, no class
    if (LOGITS && row0 + place + i < rows) {
      for (var k = 0u; k < CLASSES; k++) {
        let at = (group.y * CLASSES + k) * wide * wide + pixelOf(row) + quarter / 2u * wide + quarter % 2u;
        y[at] = bitcast<u32>(logits[i * CLASSES + k]);
      }
    }
  }
  workgroupBarrier();
  // A word is four pixels of a line: two quarters of a row, and of its right neighbour.
  if (LOGITS || quarter > 1u || place % 2u == 1u || row0 + place >= rows) {
    return;
  }
  let line = quarter % 2u;
  let low = &classes[place];
  let high = &classes[place + 1u];
  let word = low[2u * line] | (low[2u * line + 1u] << 8u) | (high[2u * line] << 16u) | (high[2u * line + 1u] << 24u);
  y[(group.y * wide * wide + pixelOf(row0 + place) + line * wide) / 4u] = word;
}
