// What every product of the role is told and bound: matmul.wgsl says what it means.
alias input = f32;
alias weight = f32;
alias added = f32;
alias output = f32;

override SIDE: u32; // not 0: a row is 2x2 neighbours in a map of that side, in the order (0,0), (1,0), (0,1), (1,1)
override NORM: bool;
override EPS: f32;
override ACTIVATION: u32; // 0 none, 1 GELU, 2 ReLU, 3 hard swish, 4 ReLU when r is added
override RESIDUAL: u32; // 0 none, 1 r, 2 r again and again
override STREAM: bool; // y, and r where it is added, are streams

@group(0) @binding(0) var<storage, read> x: array<vec4<input>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<weight>>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> r: array<vec4<added>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<output>>;
