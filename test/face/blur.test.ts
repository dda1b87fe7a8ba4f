/** What blurring asks of a canvas; its pixels are a browser's: draw.gpu.test.ts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { blurFaces } from '../../src/face/blur.ts';
import type { DrawContext } from '../../src/face/pen.ts';
import { codeOf } from '../errors.ts';

/** A context that writes down what is drawn, and how smooth. */
class Context {
  readonly calls: unknown[][] = [];
  imageSmoothingEnabled = true;

  constructor(
    readonly canvas: { width: number; height: number },
    private readonly transform = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 },
  ) {}

  getTransform() {
    return this.transform;
  }
  drawImage(image: { width: number; height: number }, ...numbers: number[]) {
    this.calls.push([[image.width, image.height], ...numbers, this.imageSmoothingEnabled]);
  }
  ellipse(...numbers: number[]) {
    this.calls.push(['oval', ...numbers.slice(0, 4)]);
  }
  rect(...numbers: number[]) {
    this.calls.push(['box', ...numbers]);
  }
  save() {}
  restore() {}
  setTransform() {}
  fillRect() {}
  beginPath() {}
  clip() {}
}

const made: { width: number; height: number }[] = [];
beforeEach(() => {
  made.length = 0;
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      constructor(
        readonly width: number,
        readonly height: number,
      ) {
        made.push(this);
      }
      getContext = () => new Context(this);
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

const drawn = (
  box: Parameters<typeof blurFaces>[1][number]['box'],
  options = {},
  transform?: Context['getTransform'] extends () => infer T ? T : never,
) => {
  const ctx = new Context({ width: 400, height: 300 }, transform);
  blurFaces(ctx as unknown as DrawContext, [{ box }], options);
  return ctx.calls;
};

describe('blurring', () => {
  it('halves a face down to a few patches, and draws these over it', () => {
    expect(drawn({ x0: 100, y0: 50, x1: 200, y1: 150 })).toEqual([
      ['oval', 150, 100, 50, 50],
      [[8, 8], 100, 50, 100, 100, true],
    ]);
    expect(made.map(({ width }) => width)).toEqual([128, 64, 32, 16, 8]);
    made.length = 0;
    for (const side of [2048, 2049, 4097, 9000])
      for (const patches of [8, 11])
        blurFaces(new Context({ width: side, height: side }) as unknown as DrawContext, [{ box: { x0: 0, y0: 0, x1: side, y1: side } }], {
          patches,
        });
    const largest = made.filter(({ width }, i) => width > (made[i - 1]?.width ?? 0)).map(({ width }) => width);
    expect(largest).toEqual([2048, 2816, 2048, 1408, 4096, 2816, 8192, 5632]);
    expect(drawn({ x0: 100, y0: 50, x1: 200, y1: 100 }, { patches: 4, mosaic: true, shape: 'box' })).toEqual([
      ['box', 100, 50, 100, 50],
      [[4, 2], 100, 50, 100, 50, false],
    ]);
  });

  it('goes by the transform, and stays on the canvas', () => {
    const twice = { a: 2, b: 0, c: 0, d: 2, e: -10, f: 0 };
    expect(drawn({ x0: 100, y0: 50, x1: 250, y1: 250 }, {}, twice)).toEqual([
      ['oval', 175, 150, 75, 100], // in the context's units
      [[8, 8], 190, 100, 210, 200, true],
    ]);
    const mirrored = { a: -1, b: 0, c: 0, d: 1, e: 400, f: 0 };
    expect(drawn({ x0: 0, y0: 0, x1: 100, y1: 100 }, {}, mirrored).at(-1)?.slice(1, 5)).toEqual([300, 0, 100, 100]);
    const turned = { a: 0, b: 1, c: -1, d: 0, e: 400, f: 0 };
    expect(drawn({ x0: 100, y0: 50, x1: 200, y1: 100 }, {}, turned).at(-1)?.slice(1, 5)).toEqual([300, 100, 50, 100]);
    expect(drawn({ x0: 500, y0: 0, x1: 600, y1: 50 })).toEqual([]);
  });

  it('covers a face that the edge cuts as if it were whole: of a box that ends there, or was moved away from it, the oval leaves the face itself seen', () => {
    const face = { x0: -40, y0: 80, x1: 60, y1: 200 };
    const covered = (faces: Parameters<typeof blurFaces>[1]) => {
      const ctx = new Context({ width: 400, height: 300 });
      blurFaces(ctx as unknown as DrawContext, faces);
      return ctx.calls;
    };
    const cut = { x0: 0, y0: 50, x1: 85, y1: 230 };
    const whole = [
      ['oval', 10, 140, 75, 90],
      [[4, 8], 0, 50, 85, 180, true],
    ];
    expect(covered([{ box: cut, detected: face }])).toEqual(whole);
    expect(covered([{ box: cut, detected: { x0: 0, y0: 0, x1: 1, y1: 1 }, place: face }])).toEqual(whole);
    const square = covered([{ box: { x0: 0, y0: 50, x1: 180, y1: 230 }, detected: face }]);
    expect(square[0]).toEqual(['oval', 57.5, 140, 122.5, 90]);
    const larger = { x0: -200, y0: 0, x1: 200, y1: 300 }; // an app's own, which wants more of it covered
    expect(covered([{ box: larger, detected: face }])[0]).toEqual(['oval', 0, 150, 200, 150]);
  });

  it('refuses what has no meaning', async () => {
    for (const options of [{ patches: 0 }, { patches: 2.5 }, { shape: 'star' }])
      expect(await codeOf(() => drawn({ x0: 0, y0: 0, x1: 9, y1: 9 }, options))).toBe('BAD_OPTION');
  });
});
