/** Faces and boxes of no size, of other forms and of what is no number: the right answer or an error, never a NaN and never nothing without a word. */
import { describe, expect, it, vi } from 'vitest';
import { blurFaces, contoursOf, cropFace, drawFaces } from '../../src/draw.ts';
import { faceQuality, mirror } from '../../src/faces.ts';
import { type Face, maskToPicture, widen, widenToSquare } from '../../src/index.ts';
import { Tracker } from '../../src/video/index.ts';

const corners = { x0: 10, y0: 20, x1: 40, y1: 70 };
const corner = { x: 10, y: 20 };
const asRect = { x: 10, y: 20, width: 30, height: 50 };
const picture = { width: 100, height: 100 };
const code = (code: string) => expect.objectContaining({ name: 'FaceXFormerError', code });

describe('a corner and a size', () => {
  it.each([
    ['widen', (box: never) => widen(box, picture)],
    ['widenToSquare', (box: never) => widenToSquare(box, picture)],
    ['maskToPicture', (box: never) => maskToPicture(new Uint8Array(224 * 224).fill(3), box, picture)],
    ['faceQuality', (box: never) => faceQuality({ box }, picture)],
    ['mirror', (box: never) => mirror({ box }, picture)],
  ] as const)('%s takes them as corners', (_, call) => {
    expect(call(asRect as never)).toEqual(call(corners as never));
  });
});

it.each([448, 512])('a mask of %i x %i is mapped to a larger picture, column by column', (side) => {
  const mask = Uint8Array.from({ length: side * side }, (_, i) => Number(i % side >= side / 2));
  const out = maskToPicture(mask, { x0: 0, y0: 0, x1: 600, y1: 600 }, { width: 600, height: 600 });
  expect(Array.from(out.subarray(0, 600))).toEqual(Array.from({ length: 600 }, (_, x) => Number(x >= 300)));
});

it('a crop of fractions is cut off as boxes are', () => {
  const mask = new Uint8Array(16).fill(7);
  const out = maskToPicture(mask, { x0: 1.5, y0: 1.5, x1: 3.9, y1: 3.9 }, { width: 4, height: 4 });
  expect(Array.from(out)).toEqual([0, 0, 0, 0, 0, 7, 7, 0, 0, 7, 7, 0, 0, 0, 0, 0]);
});

it.each([
  ['a picture that no memory holds', () => maskToPicture(new Uint8Array(4), corners, { width: 2 ** 40, height: 2 ** 40 }), 'BAD_OPTION'],
  ['a picture of half a pixel', () => maskToPicture(new Uint8Array(4), corners, { width: 100.5, height: 100 }), 'BAD_OPTION'],
  ['a face without size', () => faceQuality({ box: { x0: 5, y0: 5, x1: 5, y1: 5 } }, picture), 'BAD_OPTION'],
  ['a face of no numbers', () => faceQuality({ box: { ...corners, x1: Number.NaN } }, picture), 'BAD_BOX'],
  ['a picture of no numbers', () => faceQuality({ box: corners }, { width: Number.NaN, height: 4 }), 'BAD_OPTION'],
  ['a face that is mirrored to nowhere', () => mirror({ box: {} as never }, picture), 'BAD_BOX'],
  ['contours of a box of nothing', () => contoursOf({ box: {} as never, segmentation: mapOf() }, ['skin']), 'BAD_BOX'],
  ['a tracked box without size', () => new Tracker().update([{ x0: 1, y0: 1, x1: 1, y1: 9 }], 0, picture), 'BAD_BOX'],
  ['a tracked box without end', () => new Tracker().update([{ x0: -1e308, y0: 0, x1: 1e308, y1: 9 }], 0, picture), 'BAD_BOX'],
  ['a margin without end', () => widen({ ...corners, x1: 9 }, picture, 1e308), 'BAD_OPTION'],
  ['a frame at no time', () => new Tracker().update([corners], Number.NaN, picture), 'BAD_OPTION'],
])('%s', (_, call, expected) => {
  expect(call).toThrow(code(expected));
});

it('a face that says of no point whether it is occluded has no occlusion', () => {
  expect(faceQuality({ box: corners, visibility: [] }, picture)).not.toHaveProperty('occluded');
});

const mapOf = () =>
  ({ width: 1, height: 1, classes: new Uint8Array(1), labels: ['skin'] as const, palette: [[0, 0, 0]] as const }) as never;

/** A context that counts what is saved and not restored. */
function contextOf() {
  const context = { saved: 0, drawn: 0, rects: [] as number[][], canvas: { width: 100, height: 100 } };
  const known: Record<string, unknown> = {
    save: () => context.saved++,
    restore: () => context.saved--,
    getTransform: () => ({ a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 }),
    measureText: () => ({ width: 10 }),
    drawImage: () => context.drawn++,
    rect: (...sides: number[]) => context.rects.push(sides),
  };
  return {
    context,
    ctx: new Proxy(context, { get: (own, name) => known[String(name)] ?? Reflect.get(own, name) ?? (() => {}), set: () => true }) as never,
  };
}

it('faces of which one has no box are not blurred in part', () => {
  const { context, ctx } = contextOf();
  expect(() => blurFaces(ctx, [{ box: corners }, { box: { ...corners, x1: Number.NaN } }])).toThrow(code('BAD_BOX'));
  expect(context).toMatchObject({ saved: 0, drawn: 0 });
  for (const box of [
    { ...corners, x1: 1e308 },
    { ...corners, y1: Number.NaN },
  ]) {
    expect(() => blurFaces(ctx, [{ box }])).toThrow(code('BAD_BOX')); // an oval to infinity covers nothing
    expect(() => drawFaces(ctx, [{ box }])).toThrow(code('BAD_BOX'));
  }
  expect(context).toMatchObject({ saved: 0, drawn: 0 });
});

const pose = { pitch: 1, yaw: 2, roll: 3, radians: { pitch: 0, yaw: 0, roll: 0 }, matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1] as const };
const nowhere = [Number.NaN, Number.POSITIVE_INFINITY, 1e308, undefined, null, '3'] as never[];

it.each<[string, (value: never) => Partial<Face>]>([
  ['points', (x) => ({ points: [corner, { x, y: 1 }] })],
  ['points', (y) => ({ points: [{ x: 1, y }] })],
  ['landmarks', (x) => ({ landmarks: [corner, { x, y: 1 }] })],
  ['landmarks', (y) => ({ landmarks: [{ x: 1, y }] })],
  ['headpose', (pitch) => ({ headpose: { ...pose, pitch } })],
  ['headpose', (yaw) => ({ headpose: { ...pose, yaw } })],
  ['headpose', (roll) => ({ headpose: { ...pose, roll } })],
  ['headpose', (roll) => ({ headpose: { ...pose, radians: { ...pose.radians, roll } } })],
  ['headpose', (last) => ({ headpose: { ...pose, matrix: [1, 0, 0, 0, 1, 0, 0, 0, last] } })],
])('a face whose %s are no numbers is drawn in no part, and has no mirror image', (name, member) => {
  for (const value of nowhere) {
    const { context, ctx } = contextOf();
    const face = { box: corners, ...member(value) };
    expect(() => drawFaces(ctx, [{ box: corners }, face])).toThrow(code('BAD_OPTION'));
    expect(() => drawFaces(ctx, [face])).toThrow(`\`${name}\` has`);
    expect(context).toMatchObject({ saved: 0, rects: [] });
    expect(() => mirror(face, picture)).toThrow(code('BAD_OPTION'));
  }
});

it('a face is drawn by a corner and a size as by corners', () => {
  const drawn = [corners, asRect].map((box) => {
    const { context, ctx } = contextOf();
    drawFaces(ctx, [{ box: box as never }]);
    return context.rects;
  });
  expect(drawn[0]).toEqual([expect.not.arrayContaining([Number.NaN])]);
  expect(drawn[1]).toEqual(drawn[0]);
});

it('a face is cropped by a corner and a size as by corners', async () => {
  const sides: number[] = [];
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      constructor(side: number) {
        sides.push(side);
      }
      getContext = () => null;
    },
  );
  vi.stubGlobal(
    'ImageData',
    class {
      data = new Uint8ClampedArray(4);
    },
  );
  vi.stubGlobal('createImageBitmap', async () => ({ close: () => {} }));
  for (const box of [corners, asRect])
    await expect(cropFace({ data: new Uint8Array(4), width: 1, height: 1 }, { box: box as never })).rejects.toThrow(/no canvas of 50 x 50/);
  expect(sides).toEqual([50, 50]);
  vi.unstubAllGlobals();
});

it('a parsing map is not left out without a word where it has no canvas', () => {
  const face = { box: corners, segmentation: mapOf() };
  expect(() => drawFaces(contextOf().ctx, [face])).toThrow(/no canvas of 1 x 1 pixels here/);
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      getContext = () => null;
    },
  );
  expect(() => drawFaces(contextOf().ctx, [face])).toThrow(code('BAD_OPTION'));
  vi.unstubAllGlobals();
});

it('a context is left as it was when a label or a canvas throws', () => {
  const { context, ctx } = contextOf();
  const label = () => {
    throw new Error('of the app');
  };
  expect(() => drawFaces(ctx, [{ box: corners }], { label })).toThrow(code('BAD_OPTION'));
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      constructor() {
        throw new RangeError('none');
      }
    },
  );
  expect(() => blurFaces(ctx, [{ box: corners }])).toThrow(code('BAD_OPTION'));
  vi.unstubAllGlobals();
  expect(context.saved).toBe(0);
});

it('a class of drawing that no face has is named', () => {
  const face = { box: corners, segmentation: mapOf() };
  expect(() => drawFaces(contextOf().ctx, [face], { classes: ['skins'] })).toThrow(/no class "skins". Choose from skin/);
  expect(() => drawFaces(contextOf().ctx, [face], { classColours: { skins: [1, 2, 3] } })).toThrow(/no class "skins". Choose from skin/);
});

it('a colour of a class that CSS would take is named, and one that is undefined is the usual one', () => {
  for (const skin of ['#f00', 'red', [256, 0, 0], [1, 2]] as never[])
    expect(() => drawFaces(contextOf().ctx, [], { classColours: { skin } })).toThrow(
      /`classColours.skin` is .*; it must be red, green and blue/,
    );
  const styles: unknown[] = [];
  const ctx = new Proxy(contextOf().ctx as object, { set: (_, name, value) => name !== 'strokeStyle' || styles.push(value) > 0 });
  drawFaces(ctx as never, [{ box: corners }], { colours: { box: undefined as never } });
  expect(styles).toEqual(['rgba(0, 0, 0, 0.45)', 'rgba(255, 255, 255, 0.9)']);
});

it('options of drawing that there are not are named', () => {
  expect(() => drawFaces(contextOf().ctx, [], { colors: {} } as never)).toThrow(/knows no option "colors"/);
  expect(() => drawFaces(contextOf().ctx, [], { opacity: 50 })).toThrow(/`opacity` is 50; it must be a number from 0 to 1/);
  for (const name of ['lineWidth', 'fontSize'])
    for (const value of [0, -1, 1e308, Number.POSITIVE_INFINITY])
      expect(() => drawFaces(contextOf().ctx, [], { [name]: value })).toThrow(code('BAD_OPTION'));
});
