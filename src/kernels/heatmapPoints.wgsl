// y[n] = sum(h grid) / max(sum(h), 1e-6) of each heat map: its centre of mass, x then y, on a grid from -1 to 1.
//
// x [images * SIDE^2, CHANNELS], of which the first POINTS are heat maps, four of an image a workgroup; y [images][POINTS][2]. The
// grid's ends are the centres of the outermost pixels (align_corners). One barrier: see instanceNorm.
alias elem = f32;

const THREADS = 128u;

override SIDE: u32;
override CHANNELS: u32;
override POINTS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2f>;

var<workgroup> totals: array<vec4f, THREADS>;
var<workgroup> across: array<vec4f, THREADS>; // sum(h grid) along x
var<workgroup> down: array<vec4f, THREADS>;

@compute @workgroup_size(THREADS)
fn heatmapPoints(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  var total = vec4f();
  var sumX = vec4f();
  var sumY = vec4f();
  for (var i = thread; i < SIDE * SIDE; i += THREADS) {
    let h = vec4f(x[(group.z * SIDE * SIDE + i) * (CHANNELS / 4u) + group.x]);
    let grid = vec2f(vec2u(i % SIDE, i / SIDE)) * (2.0 / f32(SIDE - 1u)) - 1.0;
    total += h;
    sumX += h * grid.x;
    sumY += h * grid.y;
  }
  totals[thread] = total;
  across[thread] = sumX;
  down[thread] = sumY;
  workgroupBarrier();
  let n = group.x * 4u + thread;
  if (thread >= 4u || n >= POINTS) {
    return;
  }
  var sums = vec3f();
  for (var i = 0u; i < THREADS; i++) {
    sums += vec3f(across[i][thread], down[i][thread], totals[i][thread]);
  }
  y[group.z * POINTS + n] = unlessLost(vec4f(sums.xy / max(sums.z, 1e-6), 0.0, 0.0), vec4f(sums.z)).xy;
}
