import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Gallery, similarity } from '../../src/face/gallery.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { codeOf } from '../errors.ts';

const embedding = fc
  .array(
    fc.float({ noNaN: true, min: -100, max: 100 }).map((x) => x + 0),
    { minLength: 4, maxLength: 4 },
  ) // JSON has no -0
  .filter((values) => Math.hypot(...values) > 1e-3);
const entries = fc.array(fc.tuple(fc.string({ minLength: 1, unit: 'grapheme' }), embedding), { maxLength: 8 });
const galleryOf = (list: [string, number[]][]) => list.reduce((gallery, [name, values]) => gallery.add(name, values), new Gallery());

describe('similarity', () => {
  test('is the cosine', () => {
    expect(similarity([1, 0], [1, 0])).toBe(1);
    expect(similarity([1, 0], [0, 5])).toBe(0);
    expect(similarity([2, 0], [-3, 0])).toBe(-1);
    expect(similarity([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 12);
  });

  test('is symmetric, within [-1, 1], 1 with itself and blind to length', () => {
    fc.assert(
      fc.property(embedding, embedding, (a, b) => {
        const near = similarity(a, b);
        expect(near).toBe(similarity(b, a));
        expect(Math.abs(near)).toBeLessThanOrEqual(1);
        expect(similarity(a, a)).toBeCloseTo(1, 12);
        expect(
          similarity(
            a.map((x) => 7 * x),
            b,
          ),
        ).toBeCloseTo(near, 12);
      }),
    );
  });

  test('refuses what has no direction or another length', () => {
    expect(codeOf(() => similarity([1, 2], [1, 2, 3]))).toBe('BAD_OPTION');
    expect(codeOf(() => similarity([0, 0], [1, 2]))).toBe('BAD_OPTION');
    expect(codeOf(() => similarity([Number.NaN, 0], [1, 2]))).toBe('BAD_OPTION');
    expect(codeOf(() => similarity([1, 2], [1, Number.POSITIVE_INFINITY]))).toBe('BAD_OPTION');
    expect(codeOf(() => similarity([], []))).toBe('BAD_OPTION');
    expect(codeOf(() => similarity([4e-323, -5e-323], [1, 2]))).toBe('BAD_OPTION');
    for (const strange of [['1', 0], [1, null], '12', new DataView(new ArrayBuffer(2))])
      expect(codeOf(() => similarity(strange as never, [1, 2]))).toBe('BAD_OPTION');
  });

  test('refuses what is missing, as weights of the released form have no embedding', () => {
    const missing = undefined as unknown as number[];
    const pairs: [number[], number[]][] = [
      [missing, [1]],
      [[1], missing],
      [missing, missing],
    ];
    for (const [a, b] of pairs) expect(codeOf(() => similarity(a, b))).toBe('BAD_OPTION');
    const entries = [{ name: 'Ada' }];
    for (const call of [() => new Gallery().add('Ada', missing), () => Gallery.fromJSON({ ...new Gallery().toJSON(), entries })])
      expect(call).toThrow('An embedding must be a list of numbers; this one is undefined.');
    expect(codeOf(() => new Gallery().add('Ada', [1, 0]).match(missing, 0.5))).toBe('BAD_OPTION');
    expect(codeOf(() => new Gallery().match(missing, 0.5))).toBe('BAD_OPTION');
  });

  test('takes embeddings of any length', () => {
    const long = Array.from({ length: 300_000 }, (_, i) => Math.sin(i));
    expect(similarity(long, long)).toBeCloseTo(1, 9);
  });
});

describe('Gallery', () => {
  const gallery = () => new Gallery().add('Ada', [1, 0, 0]).add('Grace', [0, 1, 0]).add('Ada', [0, 0, 1]);

  test('finds the nearest name, by any of its embeddings, from the threshold on', () => {
    expect(gallery().match([0.9, 0.1, 0], 0.5)?.name).toBe('Ada');
    expect(gallery().match([0, 0.1, 2], 0.5)?.name).toBe('Ada');
    expect(gallery().match([0, 3, 0], 1)).toEqual({ name: 'Grace', similarity: 1 });
    expect(gallery().match([1, 0.9, 0], 0.5)?.name).toBe('Ada');
    expect(gallery().match([0.9, 1, 0], 0.5)?.name).toBe('Grace');
    expect(gallery().match([1, 1, 0], 0.8)).toBeUndefined();
    expect(gallery().match([-1, -1, -1], -1)?.name).toBeDefined();
    expect(new Gallery().match([1, 2], -1)).toBeUndefined();
  });

  test('adds and removes by name', () => {
    const known = gallery();
    expect([known.size, known.names]).toEqual([3, ['Ada', 'Grace']]);
    expect(known.remove('Ada')).toBe(2);
    expect(known.remove('Ada')).toBe(0);
    expect([known.size, known.names]).toEqual([1, ['Grace']]);
  });

  test('keeps a copy', () => {
    const given = Float32Array.of(1, 0);
    const known = new Gallery().add('Ada', given);
    given.set([0, 1]);
    expect(known.match([1, 0], 0.99)?.name).toBe('Ada');
  });

  test('refuses bad names, embeddings and thresholds, and is unchanged by them', () => {
    const known = gallery();
    expect(codeOf(() => known.add('', [1, 0, 0]))).toBe('BAD_OPTION');
    expect(codeOf(() => known.add('Ada 😀'.slice(0, -1), [1, 0, 0]))).toBe('BAD_OPTION');
    expect(codeOf(() => known.add('Alan', [1, 0]))).toBe('BAD_OPTION');
    expect(codeOf(() => known.add('Alan', [0, 0, 0]))).toBe('BAD_OPTION');
    expect(codeOf(() => known.add('Alan', [1e300, 0, 0]))).toBe('BAD_OPTION'); // infinite as float32
    expect(codeOf(() => known.match([1, 0], 0.5))).toBe('BAD_OPTION');
    expect(codeOf(() => known.match([1, 0, 0], Number.NaN))).toBe('BAD_OPTION');
    for (const threshold of [1.5, -1.5, '0.5']) expect(codeOf(() => known.match([1, 0, 0], threshold as number))).toBe('BAD_OPTION');
    expect(known.size).toBe(3);
  });

  test('comes back from JSON and from bytes as it was', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const known = galleryOf(list);
        const saved = known.toJSON();
        expect(Gallery.fromJSON(JSON.stringify(known)).toJSON()).toEqual(saved);
        expect(Gallery.fromJSON(JSON.parse(JSON.stringify(saved))).toJSON()).toEqual(saved);
        expect(Gallery.fromBytes(known.toBytes()).toJSON()).toEqual(saved);
        expect(Gallery.fromBytes(known.toBytes().buffer).toJSON()).toEqual(saved);
      }),
    );
  });

  test('refuses JSON that is no gallery', () => {
    const entry = { name: 'Ada', embedding: [1, 2] };
    const head = { format: 'facexformer-gallery', version: 1 };
    for (const json of [
      '{',
      7,
      [],
      {},
      { ...head, version: 2, entries: [] },
      { ...head, format: 'gallery', entries: [] },
      { ...head, entries: [null] },
      { ...head, entries: [{ name: 'Ada' }] },
      { ...head, entries: [{ ...entry, embedding: [1, 'x'] }] },
      { ...head, entries: [{ ...entry, name: 3 }] },
      { ...head, entries: [entry, { ...entry, embedding: [1] }] },
    ])
      expect(codeOf(() => Gallery.fromJSON(json))).toBe('BAD_OPTION');
  });

  test('refuses bytes cut short, continued, or of something else', () => {
    const bytes = gallery().toBytes();
    for (let end = 0; end < bytes.length; end++) expect(codeOf(() => Gallery.fromBytes(bytes.subarray(0, end)))).toBe('BAD_OPTION');
    expect(codeOf(() => Gallery.fromBytes(Uint8Array.of(...bytes, 0)))).toBe('BAD_OPTION');
    expect(codeOf(() => Gallery.fromBytes(bytes.with(20, 0xff)))).toBe('BAD_OPTION'); // no text
    expect(codeOf(() => Gallery.fromBytes(bytes.with(7, 0x32)))).toBe('BAD_OPTION'); // another version
    expect(Gallery.fromBytes(new Gallery().add('\uFEFFAda', [1]).toBytes()).names).toEqual(['\uFEFFAda']);
  });

  test('any changed bytes give a gallery or the typed error', () => {
    const bytes = gallery().toBytes();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] as number) ^ by;
        try {
          expect(Gallery.fromBytes(changed).size).toBe(3);
        } catch (error) {
          expect(error).toBeInstanceOf(FaceXFormerError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('a gallery that was never stored is empty', () => {
  expect(Gallery.fromJSON(null).size).toBe(0);
  expect(Gallery.fromJSON('null').size).toBe(0);
});

test("holds other networks' embeddings too: any length and scale, as plain numbers", () => {
  const gallery = new Gallery().add('Ada', [3, 4, 0]).add('Bea', [0, 0, 7]);
  expect(gallery.match([30, 41, 1], 0.9)?.name).toBe('Ada');
  expect(Gallery.fromJSON(JSON.stringify(gallery)).match([0, 1, 99], 0.9)?.name).toBe('Bea');
  expect(() => gallery.add('Cid', [1, 2])).toThrow(/3 numbers/);
});
