// A row times four columns of a matrix, for kernels with a workgroup a token: the row is `source`, in workgroup memory, and w has the matrix with its
// inputs outermost, `quads` vec4 a row of it. Nothing else hides how long weights take there, so that sixteen are on their way at a time; on CPUs, with
// workgroups of 64 threads, long code is slow, and there are four.
const STEPS = select(4u, 1u, THREADS == 64u);

// What four of its numbers add.
fn four(v: vec4f, at: u32, quads: u32) -> vec4f {
  return v.x * vec4f(w[at]) + v.y * vec4f(w[at + quads]) + v.z * vec4f(w[at + 2u * quads]) + v.w * vec4f(w[at + 3u * quads]);
}

// The numbers [4 start, 4 end) of the row times as many rows of the matrix, `first` being the columns in the row of w that its first number meets. Calls,
// as Firefox puts a test into every turn of a loop, behind which no load goes ahead.
fn times(start: u32, end: u32, first: u32, quads: u32) -> vec4f {
  var sum = vec4f();
  let step = 4u * quads;
  for (var k = start; k < end; k += STEPS) {
    let at = first + k * step;
    var some = four(source[k], at, quads);
    if (STEPS > 1u) {
      some += four(source[k + 1u], at + step, quads);
      some += four(source[k + 2u], at + 2u * step, quads);
      some += four(source[k + 3u], at + 3u * step, quads);
    }
    sum += some;
  }
  return sum;
}
