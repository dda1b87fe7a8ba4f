// What is infinite or no number is lost, and so is what is 2^64 and more, whose square is infinite. It has to come out so: an answer made of it must not
// look like one. WGSL lets compilers take it that nothing is infinite, and max, min, clamp and exp may make a number of it. So it is told by its bits, of
// which compilers believe nothing.
fn isLost(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) << vec4u(1u)) >= vec4u(0xbf000000u);
}

// v, or what is lost of `seen`, of which v was made.
fn unlessLost(v: vec4f, seen: vec4f) -> vec4f {
  return select(v, seen, isLost(seen));
}

// max(v, 0), and what is lost as it is: numbers below 0 that are not, and no others, have bits from 0x80000000 to 0xdf7fffff.
fn relu(v: vec4f) -> vec4f {
  return select(v, vec4f(), bitcast<vec4u>(v) - vec4u(0x80000000u) < vec4u(0x5f800000u));
}

// The highest of four, or what is lost of them.
fn highestOfFour(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
  let low = max(bitcast<vec4u>(a) << vec4u(1u), bitcast<vec4u>(b) << vec4u(1u));
  let high = max(low, max(bitcast<vec4u>(c) << vec4u(1u), bitcast<vec4u>(d) << vec4u(1u)));
  return unlessLost(max(max(a, b), max(c, d)), bitcast<vec4f>(high >> vec4u(1u)));
}
