/** The project's own fixtures are what their script makes of the full ones, and small enough to be carried. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { argmax, distance, type FixtureName, fixture, thin, wholeFixtures } from './fixtures.ts';

const own = new URL('./fixtures/', import.meta.url);
const names: FixtureName[] = ['astronaut-face', 'astronaut-wide', 'astronaut-face-paper'];

describe.for(names)('%s', (name) => {
  it('has the outputs, what goes in, and a mask', () => {
    const { names, mask, box, expected } = fixture(name);
    for (const one of ['resized', 'pixels', 'output.landmarks', 'output.headpose', 'output.segmentation', 'output.age'])
      expect(names).toContain(one);
    expect(mask.length).toBe(224 * 224);
    expect(Math.max(...mask)).toBeLessThan(11);
    expect(box.x1).toBeGreaterThan(box.x0);
    for (const one of names) {
      const { shape, values, step } = expected(one);
      expect(values.length).toBe(Math.ceil(shape.reduce((a, b) => a * b, 1) / step));
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  it.runIf(wholeFixtures)('is thinned from the full file', () => {
    const whole = fixture(name);
    const bytes = readFileSync(new URL(`${name}.safetensors`, own));
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const { __metadata__: metadata, ...infos } = JSON.parse(bytes.toString('utf8', 8, start));
    const thinned = JSON.parse(metadata.thinned);
    expect(Object.keys(infos).sort()).toEqual([...whole.names, 'mask'].sort());
    for (const one of whole.names) {
      const { values } = whole.expected(one);
      const kept = thin(values, thinned[one]?.step ?? 1);
      const [begin, end] = infos[one].data_offsets;
      expect(Buffer.compare(Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength), bytes.subarray(start + begin, start + end))).toBe(
        0,
      );
    }
    const [begin, end] = infos.mask.data_offsets;
    expect(Buffer.compare(argmax(whole.expected('output.segmentation')), bytes.subarray(start + begin, start + end))).toBe(0);
  });
});

it('are at most 3 MB', () => {
  const sizes = readdirSync(own).map((file) => statSync(new URL(file, own)).size);
  expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(3_000_000);
});

it('a distance sees one wrong value and a wrong shape', () => {
  const expected = { shape: [2, 3], values: Float32Array.of(1, 3, 5), step: 2 };
  expect(distance({ shape: [2, 3], data: Float32Array.of(1, 9, 3, 9, 5, 9) }, expected)).toBe(0);
  expect(distance({ shape: [2, 3], data: Float32Array.of(1, 9, 4, 9, 5, 9) }, expected)).toBeCloseTo(1 / 35, 12);
  expect(() => distance({ shape: [3, 2], data: new Float32Array(6) }, expected)).toThrow('shape');
});
