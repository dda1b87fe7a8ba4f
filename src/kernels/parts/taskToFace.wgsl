// What attention of task tokens to the face's is told and bound: taskToFace.wgsl says what it means.
alias elem = f32;

override TOKENS: u32;
override KEYS: u32;
override HEADS: u32;
override Q_STRIDE: u32;
override Q_OFFSET: u32;
override Q_ROWS: u32; // of q, which repeat
override K_STRIDE: u32;
override V_STRIDE: u32;
override V_OFFSET: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
