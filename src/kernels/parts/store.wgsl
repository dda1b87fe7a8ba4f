// How many vec4 lie from a row of y to the next: a stream's rows carry (mean, M2, 0, 0) of each 64 channels behind them.
fn yRow() -> u32 {
  return COLS / 4u + select(0u, COLS / 64u, STREAM);
}

// Stores one vec4 of y, act(sum + b) + r, and gives what it stored.
fn store(row: u32, last: u32, column: u32, sum: vec4f) -> vec4f {
  if (row > last || column * 4u >= COLS) {
    return vec4f();
  }
  var v = activated(sum + b[column]);
  let at = row * yRow() + column;
  if (RESIDUAL > 0u) {
    v += vec4f(r[select(at, at % arrayLength(&r), RESIDUAL == 2u)]);
  }
  if (ACTIVATION == 4u) {
    v = relu(v);
  }
  y[at] = vec4<output>(v);
  return v;
}
