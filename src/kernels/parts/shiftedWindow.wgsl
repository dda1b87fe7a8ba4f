// Row of x and y of a window's i-th position: windows are shifted by SHIFT, and come around the edges of their map.
fn position(window: vec2u, image: u32, i: u32) -> u32 {
  let at = (window * WINDOW + vec2u(i % WINDOW, i / WINDOW) + SHIFT) % SIDE;
  return (image * SIDE + at.y) * SIDE + at.x;
}

// Whether a column, or row, of a window on the map's far edge came around from the near one.
fn around(at: u32) -> bool {
  return at >= WINDOW - SHIFT;
}
