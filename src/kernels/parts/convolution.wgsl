// What every convolution of the role is told and bound: conv.wgsl says what it means. A kernel reads x and s, its bindings 0 and 3, in its own way.
alias elem = f32;
alias weight = f32;
alias output = f32;

override INNER: u32;
override COLS: u32;
override KERNEL: u32; // 1 or 3
override STRIDE: u32; // of x, where it is not pooled
override PREACTIVATION: bool;
override RELU: bool;
override POOL: bool;
override RESIDUAL: u32; // 0 none, 1 r, 2 the 2x2 maxima of r
override COARSE: bool;

@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(4) var<storage, read> r: array<vec4<elem>>;
@group(0) @binding(5) var<storage, read> c: array<vec4<elem>>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4<output>>;
