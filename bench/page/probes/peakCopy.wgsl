// y = x: as many bytes a second as the adapter moves between memory and a kernel. 4 vectors a thread, a workgroup's side by side.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn peakCopy(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let at = group.x * 256u + thread;
  for (var i = 0u; i < 4u; i++) {
    y[at + 64u * i] = x[at + 64u * i];
  }
}
