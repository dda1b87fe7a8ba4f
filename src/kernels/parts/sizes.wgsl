// The sizes of a product, where they are constants of a pipeline.
override INNER: u32;
override COLS: u32;
override X_ROW: u32; // vec4 from a row of x to the next
