// y = (the mean of the pixels under it - 127.5) / 128: crops of a picture, each resized by area averaging (PyTorch's interpolate, mode 'area').
// Position i of n averages the source from floor(i * side / n) to ceil((i + 1) * side / n): reducing and enlarging alike.
//
// picture: its crops are of layer 0
// crops:   each crop's rectangle and its size in y; they lie one after the other
// y:       [positions] vec4f: red, green, blue, 0
@group(0) @binding(0) var picture: texture_2d_array<f32>;
@group(0) @binding(1) var<storage, read> crops: array<Crop>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

struct Crop {
  end: u32, // positions of y up to this crop's end
  left: u32,
  top: u32,
  widthX: u32,
  heightX: u32,
  width: u32,
  height: u32,
}

const THREADS = 64u;

@compute @workgroup_size(THREADS)
fn averageCrops(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let position = (group.y * groups.x + group.x) * THREADS + local;
  let last = arrayLength(&crops) - 1u;
  if (position >= crops[last].end) {
    return;
  }
  var low = 0u; // crops may be many: by halves
  var high = last;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (position < crops[middle].end) {
      high = middle;
    } else {
      low = middle + 1u;
    }
  }
  let crop = crops[low];
  let within = crop.width * crop.height - (crop.end - position);
  let row = within / crop.width;
  let column = within % crop.width;
  let top = row * crop.heightX / crop.height;
  let bottom = ((row + 1u) * crop.heightX + crop.height - 1u) / crop.height;
  let left = column * crop.widthX / crop.width;
  let right = ((column + 1u) * crop.widthX + crop.width - 1u) / crop.width;
  var sum = vec3f();
  for (var j = top; j < bottom; j++) {
    for (var i = left; i < right; i++) {
      let texel = textureLoad(picture, vec2u(crop.left + i, crop.top + j), 0, 0);
      sum += floor(texel.rgb * 255.0 + 0.5);
    }
  }
  let mean = sum / f32((bottom - top) * (right - left));
  y[position] = vec4f((mean - 127.5) * 0.0078125, 0.0);
}
