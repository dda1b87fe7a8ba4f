// y = x a + b, over and over in registers: as many multiply-adds a second as the adapter can do. 8 independent vectors of 4 a thread
// hide the latency; the factor comes from memory, so that no compiler knows it, and keeps the values near 1.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

override ROUNDS: u32;

@compute @workgroup_size(64)
fn peakMultiplyAdd(@builtin(global_invocation_id) id: vec3u) {
  let a = x[0];
  let b = x[1];
  var s0 = x[2]; var s1 = x[3]; var s2 = x[4]; var s3 = x[5];
  var s4 = x[6]; var s5 = x[7]; var s6 = x[8]; var s7 = x[9];
  for (var i = 0u; i < ROUNDS; i++) {
    s0 = s0 * a + b; s1 = s1 * a + b; s2 = s2 * a + b; s3 = s3 * a + b;
    s4 = s4 * a + b; s5 = s5 * a + b; s6 = s6 * a + b; s7 = s7 * a + b;
    s0 = s0 * a + b; s1 = s1 * a + b; s2 = s2 * a + b; s3 = s3 * a + b;
    s4 = s4 * a + b; s5 = s5 * a + b; s6 = s6 * a + b; s7 = s7 * a + b;
  }
  y[id.x] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
}
