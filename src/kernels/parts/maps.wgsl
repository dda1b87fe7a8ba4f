// Maps of many sizes that lie one after the other, so that one dispatch serves them all and sizes are data: a pyramid's levels, or the crops of
// a picture. One entry is `images` maps of one size.
struct Maps {
  end: u32, // positions of y up to this entry's end
  firstX: u32, // position of x where the entry begins
  widthX: u32,
  heightX: u32,
  width: u32, // of y
  height: u32,
  firstY: u32, // position of y's buffer where the dispatch begins to write
  least: f32, // what a number must reach, for kernels that choose
}

// One of y's positions: of which entry it is, and where there.
struct Place {
  entry: u32,
  image: u32,
  row: u32,
  column: u32,
}

// The grid's threads in a row: more workgroups than a dimension takes go on in the next line.
fn threadOf(group: vec3u, groups: vec3u, local: u32, size: u32) -> u32 {
  return (group.y * groups.x + group.x) * size + local;
}

fn placeOf(position: u32) -> Place {
  var entry = 0u;
  var first = 0u;
  let last = arrayLength(&maps) - 1u;
  while (entry < last && position >= maps[entry].end) {
    first = maps[entry].end;
    entry++;
  }
  let size = maps[entry].width * maps[entry].height;
  let inside = position - first;
  let within = inside % size;
  return Place(entry, inside / size, within / maps[entry].width, within % maps[entry].width);
}
