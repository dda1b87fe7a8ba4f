import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faceOf } from '../../src/face/faces.ts';
import { faceToJson } from '../../src/face/json.ts';
import { AGES, ATTRIBUTES, LANDMARK_GROUPS, PARSING, TASKS, type Task } from '../../src/face/labels.ts';
import type { RawOutputs } from '../../src/face/results.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { maskToPicture } from '../../src/image/crop.ts';
import { codeOf } from '../errors.ts';

const PIXELS = 224 * 224;
const LENGTHS: Record<'released' | 'paper', Partial<Record<Task, number>>> = {
  released: { landmarks: 136, headpose: 3, attributes: 40, visibility: 29, age: 8, gender: 2, race: 5 },
  paper: { landmarks: 136, headpose: 9, attributes: 40, visibility: 29, age: 8, gender: 2, race: 5, expression: 7, recognition: 512 },
};
const crop = { x0: 100, y0: 50, x1: 212, y1: 274 };
const released = (raw: RawOutputs) => faceOf(raw, { crop, form: 'released' });

const float = fc.oneof(
  fc.float({ min: -10_000, max: 10_000, noNaN: true }),
  fc.float({ min: -40, max: 40, noNaN: true }),
  fc.constantFrom(0, 10_000),
);
/** Landmarks about the crop. */
const near = fc.float({ min: -20, max: 20, noNaN: true });

const rawOf = (form: 'released' | 'paper'): fc.Arbitrary<RawOutputs> =>
  fc.record(
    Object.fromEntries(
      Object.entries(LENGTHS[form]).map(([task, n]) => [
        task,
        fc.array(task === 'landmarks' ? near : float, { minLength: n, maxLength: n }).map((v) => Float32Array.from(v)),
      ]),
    ),
  );

/** Every number in a value, however deep. */
function numbers(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbers) : [];
}

describe('labels', () => {
  test('are as many as the outputs, each once', () => {
    expect(new Set(TASKS).size).toBe(TASKS.length);
    expect([new Set(ATTRIBUTES).size, new Set(AGES).size, new Set(PARSING.map(({ name }) => name)).size]).toEqual([40, 8, 11]);
    expect(new Set(PARSING.map(({ colour }) => colour.join())).size).toBe(11);
  });

  test('the landmark groups hold every point once', () => {
    const points = LANDMARK_GROUPS.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    expect(points).toEqual(Array.from({ length: 68 }, (_, i) => i));
  });
});

describe('landmarks', () => {
  const at = (form: 'released' | 'paper', v: number) => {
    const point = faceOf({ landmarks: new Float32Array(136).fill(v) }, { crop, form }).landmarks?.[67];
    return [point?.x, point?.y];
  };

  test('released: -1 and 1 are the edges of the box, 0 its middle', () => {
    expect(at('released', -1)).toEqual([99.5, 49.5]);
    expect(at('released', 1)).toEqual([211.5, 273.5]);
    expect(at('released', 0)).toEqual([155.5, 161.5]);
  });

  test('paper: -1 and 1 are the middles of the first and last heat-map pixel', () => {
    // A heat-map pixel is 2 x 4 pixels of this box of 112 x 224: its middle is 1 and 2 from the edge.
    expect(at('paper', -1)).toEqual([100.5, 51.5]);
    expect(at('paper', 1)).toEqual([210.5, 271.5]);
    expect(at('paper', 0)).toEqual([155.5, 161.5]);
  });

  test('x and y alternate', () => {
    const landmarks = Float32Array.from({ length: 136 }, (_, i) => (i % 2 === 0 ? 0 : i / 136));
    const points = released({ landmarks }).landmarks ?? [];
    expect(points).toHaveLength(68);
    expect(new Set(points.map(({ x }) => x))).toEqual(new Set([155.5]));
    expect(points[1]?.y).toBeCloseTo(161.5 + (3 / 136) * 112, 4);
  });
});

describe('head pose', () => {
  test('released: the three angles as they are, in degrees and radians, and their matrix', () => {
    const pose = released({ headpose: Float32Array.of(0.5, -0.25, 2) }).headpose;
    expect(pose?.radians).toEqual({ pitch: 0.5, yaw: -0.25, roll: 2 });
    expect(pose?.pitch).toBeCloseTo(28.6479, 4);
    expect(pose?.yaw).toBeCloseTo(-14.3239, 4);
    expect(pose?.roll).toBeCloseTo(114.5916, 4);
    expect(pose?.matrix[2]).toBeCloseTo(Math.sin(-0.25), 12);
  });

  test('paper: the nearest rotation of nine numbers, row-major', () => {
    const pose = faceOf({ headpose: Float32Array.of(0, -2, 0, 2, 0, 0, 0, 0, 2) }, { crop, form: 'paper' }).headpose;
    expect(pose?.roll).toBeCloseTo(90, 6);
    expect(pose?.pitch).toBeCloseTo(0, 6);
    expect(pose?.yaw).toBeCloseTo(0, 6);
  });
});

describe('classes', () => {
  test('attributes and visibility: sigmoid, 0.5 and above is yes', () => {
    const attributes = new Float32Array(40).fill(-2);
    attributes[31] = 0;
    const face = released({ attributes, visibility: Float32Array.from({ length: 29 }, (_, i) => i - 14) });
    expect(face.attributes?.Smiling).toEqual({ probability: 0.5, value: true });
    expect(face.attributes?.Bald.value).toBe(false);
    expect(face.attributes?.Bald.probability).toBeCloseTo(0.119203, 6);
    expect(Object.keys(face.attributes ?? {})).toEqual([...ATTRIBUTES]);
    expect(face.visibility?.[28]).toEqual({ index: 28, occluded: true, probability: expect.closeTo(1, 5) });
    expect(face.visibility?.filter(({ occluded }) => occluded)).toHaveLength(15);
  });

  test('age: label, distribution and expected years', () => {
    const even = released({ age: new Float32Array(8) }).age;
    expect(even).toMatchObject({ label: '0-9', probability: 0.125, years: 40 });
    const sure = released({ age: Float32Array.of(0, 0, 0, 0, 0, 0, 0, 200) }).age;
    expect(sure).toMatchObject({ label: '70+', probability: 1, years: 75 });
  });

  test('the other choices, in the documented order', () => {
    const paper = faceOf(
      { gender: Float32Array.of(0, 1), race: Float32Array.of(0, 0, 3, 0, 0), expression: Float32Array.of(0, 0, 0, 9, 0, 0, 0) },
      { crop, form: 'paper' },
    );
    expect([paper.gender?.label, paper.race?.label, paper.expression?.label]).toEqual(['female', 'Indian', 'happiness']);
    expect(paper.gender?.probabilities.male).toBeCloseTo(0.268941, 6);
  });
});

describe('segmentation', () => {
  test("the GPU's mask is taken as it is, copied, and maps to the picture", () => {
    const mask = Uint8Array.from({ length: PIXELS }, (_, i) => (i % 224 < 112 ? 1 : 10));
    const face = faceOf({ mask }, { crop, form: 'released' });
    expect(face.segmentation?.classes).toEqual(mask);
    expect(face.segmentation?.classes).not.toBe(mask);
    expect(face.segmentation?.labels[10]).toBe('hair');
    const picture = maskToPicture(face.segmentation?.classes as Uint8Array, face.box, { width: 300, height: 300 });
    expect([99, 100, 155, 156, 211, 212].map((x) => picture[100 * 300 + x])).toEqual([0, 1, 1, 10, 10, 0]);
  });

  test('a mask of another size or with other classes is refused', () => {
    expect(codeOf(() => faceOf({ mask: new Uint8Array(9) }, { crop, form: 'released' }))).toBe('GPU_ERROR');
    expect(codeOf(() => faceOf({ mask: new Uint8Array(PIXELS).fill(11) }, { crop, form: 'released' }))).toBe('GPU_ERROR');
    for (const wrong of [11, 12, 15, 16, 127, 128, 138, 139, 254, 255])
      for (const at of [0, 1, 2, 3, PIXELS / 2 + 1, PIXELS - 1]) {
        const mask = new Uint8Array(PIXELS).fill(10);
        mask[at] = wrong;
        expect(() => faceOf({ mask }, { crop, form: 'released' })).toThrow(`holds class ${wrong};`);
      }
  });
});

describe('any raw outputs', () => {
  for (const form of ['released', 'paper'] as const)
    test(`${form}: finite in, finite out; distributions add up to 1; clones and JSON keep everything`, () => {
      fc.assert(
        fc.property(rawOf(form), (raw) => {
          const face = faceOf(raw, { crop, form });
          expect(numbers(face).filter((x) => !Number.isFinite(x))).toEqual([]);
          for (const choice of [face.age, face.gender, face.race, face.expression]) {
            if (!choice) continue;
            const p = Object.values<number>(choice.probabilities);
            expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
            expect(choice.probability).toBe(Math.max(...p));
          }
          expect(structuredClone(face)).toEqual(face);
          const json = faceToJson(face);
          expect(numbers(JSON.parse(JSON.stringify(json)))).toEqual(numbers(json).map((x) => (x === 0 ? 0 : x))); // JSON has no -0
          expect(numbers(json)).toEqual(numbers(face));
        }),
        { numRuns: 100 },
      );
    });

  test('numbers that no face can have are an error', () => {
    const far = { landmarks: new Float32Array(136).fill(0.1), age: new Float32Array(8) };
    expect(codeOf(() => faceOf(far, { crop, form: 'released' }))).toBe('nothing');
    expect(codeOf(() => faceOf({ ...far, age: new Float32Array(8).fill(-3e38) }, { crop, form: 'released' }))).toBe('GPU_ERROR');
    far.landmarks[77] = 5e8; // 1e10 pixels
    expect(() => faceOf(far, { crop, form: 'released' })).toThrow(/landmarks/);
    far.landmarks[77] = 21;
    expect(() => faceOf(far, { crop, form: 'released' })).toThrow(/A landmark lies at 21/);
  });

  test('a number that is not finite is an error that names the task, wherever it is', () => {
    const tasks = Object.entries(LENGTHS.paper);
    fc.assert(
      fc.property(
        fc.constantFrom(...tasks),
        fc.nat(),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        ([task, length], at, bad) => {
          const values = new Float32Array(length);
          values[at % length] = bad;
          try {
            faceOf({ [task]: values }, { crop, form: 'paper' });
            expect.unreachable();
          } catch (error) {
            expect(error).toBeInstanceOf(FaceXFormerError);
            expect(error).toMatchObject({ code: 'GPU_ERROR', message: expect.stringContaining(task) });
          }
        },
      ),
    );
  });

  test('an output of the wrong length is an error', () => {
    for (const [task, length] of Object.entries(LENGTHS.released))
      expect(
        codeOf(() => released({ [task]: new Float32Array(length + 1) })),
        task,
      ).toBe('GPU_ERROR');
    expect(codeOf(() => released({ headpose: new Float32Array(9) }))).toBe('GPU_ERROR');
  });

  test('only what was given is there', () => {
    expect(released({})).toEqual({ box: crop });
    expect(Object.keys(released({ race: new Float32Array(5) }))).toEqual(['box', 'race']);
  });
});
