/** A backbone of two convolutions, for tests: what it takes of the model is one object, and its kernels compile in no time. */
import { defineKernel, tiles } from '../../src/kernels/kernel.ts';
import type { Backbone } from '../../src/model/backbones/backbone.ts';
import { stored } from '../../src/model/layers.ts';

export const SIDE = 224;
export const CHANNELS = 64;

const convolution = (name: string, inputs: string, value: string) =>
  defineKernel(
    name,
    `@group(0) @binding(0) var<storage, read> x: array<${inputs}>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
override SIDE: u32;
override PATCH: u32;
override INNER: u32;
override IMAGES: u32;
@compute @workgroup_size(64)
fn ${name}(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x % 64u;
  let place = id.x / 64u;
  if (place >= IMAGES * SIDE * SIDE) { return; }
  let image = place / (SIDE * SIDE);
  let within = place % (SIDE * SIDE);
  var sum = 0.0;
  for (var i = 0u; i < INNER * PATCH * PATCH; i++) {
    let k = i / (PATCH * PATCH);
    let row = (within / SIDE) * PATCH + i / PATCH % PATCH;
    let column = (within % SIDE) * PATCH + i % PATCH;
    let at = (image * SIDE * PATCH + row) * SIDE * PATCH + column;
    sum += w[channel * INNER * PATCH * PATCH + i] * ${value};
  }
  y[id.x] = sum;
}`,
    ({ images, side, patch, inner }: { images: number; side: number; patch: number; inner: number }) => ({
      constants: { IMAGES: images, SIDE: side, PATCH: patch, INNER: inner },
      workgroups: [tiles(images * side * side * CHANNELS, 64), 1, 1],
      macs: images * side * side * CHANNELS * inner * patch * patch,
    }),
  );

const ofBytes = convolution('ofBytes', 'u32', 'f32((x[at] >> (8u * k)) & 255u) / 255.0');
const ofMap = convolution('ofMap', 'f32', 'x[at * INNER + k]');

export const toy: Backbone = {
  name: 'toy',
  recognises: (tensors) => tensors.has('backbone.patches.weight'),
  build(t, resized, w) {
    const patches = stored(t.graph, CHANNELS * 48, w.at('patches').get('weight', [CHANNELS, 3, 4, 4]));
    const halves = stored(t.graph, CHANNELS * CHANNELS * 4, w.at('halves').get('weight', [CHANNELS, CHANNELS, 2, 2]));
    const { images } = t.graph;
    let side = t.side / 4;
    const maps = [
      t.graph.add('map 0', ofBytes, { images, side, patch: 4, inner: 3 }, { x: resized, w: patches }, [images * side * side, CHANNELS]),
    ];
    for (const i of [1, 2, 3]) {
      side /= 2;
      const shape = { images, side, patch: 2, inner: CHANNELS };
      maps.push(
        t.graph.add(`map ${i}`, ofMap, shape, { x: maps[i - 1] as (typeof maps)[number], w: halves }, [images * side * side, CHANNELS]),
      );
    }
    for (const [i, map] of maps.entries()) t.graph.output(`map ${i}`, map);
    return maps.map((tensor) => ({ tensor, channels: CHANNELS }));
  },
};
