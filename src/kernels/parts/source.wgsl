// Where a product's row of INNER numbers lies in x: the first vec4 of the pixel that holds `quad` of the row, and the quad's place in the pixel.
// A row is a row of x, X_ROW vec4 apart, or where SIDE is not 0 the 2x2 neighbours in a map of that side: (0,0), (1,0), (0,1), (1,1).
fn source(row: u32, quad: u32) -> vec2u {
  if (SIDE == 0u) {
    return vec2u(row * X_ROW, quad);
  }
  let half = max(SIDE, 2u) / 2u; // Firefox refuses a remainder by a constant 0 that nothing reaches
  let cell = row % (half * half);
  let neighbour = quad / (INNER / 16u);
  let pixel = row / (half * half) * SIDE * SIDE + (cell / half * 2u + neighbour % 2u) * SIDE + cell % half * 2u + neighbour / 2u;
  return vec2u(pixel * X_ROW, quad % (INNER / 16u));
}
