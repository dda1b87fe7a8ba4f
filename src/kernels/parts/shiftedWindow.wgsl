// What window attention is told and bound on GPUs, and where its windows lie: windowAttention.wgsl says what it means.
alias input = f32;
alias elem = f32;

const WINDOW = 7u;
const POSITIONS = 49u;
const QUADS = 8u; // a head's 32 dimensions as vec4
const SHARES = 1u; // of x
const MORE = SHARES - 1u;
const LOG2E = 1.4426950408889634; // scores are in bits: exp(s) = exp2(LOG2E s)

override SIDE: u32;
override HEADS: u32;
override SHIFT: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4<input>>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;

// Side of the map with what pads it at its right and bottom, so that windows cover it.
fn paddedSide() -> u32 {
  return (SIDE + WINDOW - 1u) / WINDOW * WINDOW;
}

// The row of x and y, counted through all images, of a window's i-th position: windows are shifted by SHIFT, and come around the edges of their
// map. One that pads the map has the row behind x's last.
fn position(window: vec2u, image: u32, i: u32) -> u32 {
  let at = (window * WINDOW + vec2u(i % WINDOW, i / WINDOW) + SHIFT) % paddedSide();
  if (SIDE % WINDOW != 0u && any(at >= vec2u(SIDE))) {
    return arrayLength(&x) / (SHARES * 3u * HEADS * QUADS);
  }
  return (image * SIDE + at.y) * SIDE + at.x;
}

// A vec4 of x, the sum of its shares in their order; the row behind its last lies in t, behind the table.
fn quadAt(at: u32) -> vec4f {
  let share = arrayLength(&x) / SHARES;
  if (SIDE % WINDOW == 0u || at < share) {
    var sum = vec4f(x[at]);
    for (var s = 0u; s < MORE; s++) { // unroll
      sum += vec4f(x[(s + 1u) * share + at]);
    }
    return sum;
  }
  let i = 169u * HEADS + 4u * (at - share);
  return vec4f(t[i], t[i + 1u], t[i + 2u], t[i + 3u]);
}

// Whether a row is that of a position that pads the map, and not of y.
fn pads(row: u32) -> bool {
  return SIDE % WINDOW != 0u && row * HEADS * QUADS >= arrayLength(&y);
}

// Whether a column, or row, of a window on the map's far edge came around from the near one.
fn around(at: u32) -> bool {
  return at >= WINDOW - SHIFT;
}
