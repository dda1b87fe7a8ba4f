// A product's sizes as constants of its pipeline, of which a GPU's compiler makes the most.
override INNER: u32;
override COLS: u32;
override X_ROW: u32; // vec4 from a row of x to the next

fn takeSizes(grid: vec3u) {}
