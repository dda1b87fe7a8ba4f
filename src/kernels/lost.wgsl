// y[0] = 1 where a number of x is infinite or none, or is 2^64 and more as no activation is: asked of every dispatch's output when a frame has failed, and never otherwise.
//
// x numbers as words: float32, or with HALF two of float16; y one word, 0 before. A thread looks at every word that is a grid's threads from the last.
const THREADS = 64u;

override HALF: bool;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<atomic<u32>>;

@compute @workgroup_size(THREADS)
fn lost(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) grid: vec3u) {
  var found = false;
  for (var i = id.x; i < arrayLength(&x); i += grid.x * THREADS) {
    let word = x[i];
    if (HALF) {
      found = found || (word & 0x7c00u) == 0x7c00u || (word & 0x7c000000u) == 0x7c000000u;
    } else {
      found = found || (word & 0x7fffffffu) >= 0x5f800000u;
    }
  }
  if (found) {
    atomicStore(&y[0], 1u);
  }
}
