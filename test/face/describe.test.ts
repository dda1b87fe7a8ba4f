import { describe, expect, test } from 'vitest';
import { describeFace } from '../../src/face/describe.ts';
import type { DrawnFace } from '../../src/face/draw.ts';
import { faceOf } from '../../src/face/faces.ts';
import { faceToJson } from '../../src/face/json.ts';
import { TASKS } from '../../src/face/labels.ts';
import type { RawOutputs } from '../../src/face/results.ts';
import { SEGFACE_CLASSES } from '../../src/segface/labels.ts';
import { codeOf } from '../errors.ts';

const PIXELS = 224 * 224;
const crop = { x0: 0, y0: 0, x1: 224, y1: 224 };
const mask = new Uint8Array(PIXELS).fill(1, PIXELS / 4).fill(10, PIXELS - 100);
const raw = {
  landmarks: Float32Array.from({ length: 136 }, (_, i) => (i === 6 ? -1 : i === 9 ? 0.5 : 0)),
  headpose: Float32Array.of(0.1, -0.2, -0.0001),
  attributes: Float32Array.from({ length: 40 }, (_, i) => (i === 20 ? 1 : i === 39 ? 2 : -1)),
  visibility: Float32Array.from({ length: 29 }, (_, i) => (i === 3 || i === 28 ? 4 : -1)),
  age: Float32Array.of(0, 0, 9, 0, 0, 0, 0, 0),
  gender: Float32Array.of(0, Math.log(3)),
  race: Float32Array.of(0, 0, 0, 0, 5),
};
const face = faceOf({ ...raw, mask } as RawOutputs, { crop, form: 'released' });

describe('a face in words', () => {
  test('has a line for each task that has a result, in the order of the tasks', () => {
    expect(describeFace(face).map(({ task, title, line }) => [task, title, line])).toEqual([
      ['segmentation', 'Parsing', 'skin 75 %, background 25 %, hair <1 %'],
      ['landmarks', 'Landmarks', '68 points, x -0.5 to 111.5, y 111.5 to 167.5'],
      ['headpose', 'Head pose', 'pitch 5.7°, yaw -11.5°, roll 0.0°'],
      ['attributes', 'Attributes', 'Young 88 %, Male 73 %'],
      ['visibility', 'Visibility', '2 of 29 points occluded: 3 28'],
      ['age', 'Age', '20-29 (100 %), expected 25.0 years'],
      ['gender', 'Gender', 'female (75 %)'],
      ['race', 'Race', 'Others (97 %)'],
    ]);
    expect(describeFace({ box: crop })).toEqual([]);
    const paper = { expression: Float32Array.of(0, 0, 0, 9, 0, 0, 0), recognition: new Float32Array(512).fill(1) };
    const found = describeFace(faceOf(paper, { crop, form: 'paper' }));
    expect(found.map(({ line }) => line)).toEqual(['happiness (100 %)', 'embedding of 512 numbers']);
    expect([...found, ...describeFace(face)]).toHaveLength(TASKS.length);
    const none = faceOf({ attributes: new Float32Array(40).fill(-1), visibility: new Float32Array(29).fill(-1) }, { crop, form: 'paper' });
    expect(describeFace(none).map(({ line }) => line)).toEqual(['none', '0 of 29 points occluded']);
  });

  test('has cards, which a page lays out', () => {
    const cards = Object.fromEntries(describeFace(face).map(({ task, card }) => [task, card]));
    expect(cards['segmentation']?.bars?.[1]).toEqual({ label: 'skin', part: expect.closeTo(0.748), colour: [0, 153, 255] });
    expect(cards['landmarks']).toMatchObject({ answer: '68 points', details: { named: true, rows: { 3: ['3', '-0.5', '111.5'] } } });
    expect(cards['headpose']).toMatchObject({
      rows: [
        ['pitch', '5.7°'],
        ['yaw', '-11.5°'],
        ['roll', '0.0°'],
      ],
    });
    expect(cards['headpose']?.details).toMatchObject({ named: false, rows: { length: 3, 0: ['0.9801', expect.any(String), '-0.1987'] } });
    expect(cards['attributes']).toMatchObject({
      answer: '2 of 40',
      bars: { 0: { label: '5 o Clock Shadow', top: false }, 20: { top: true } },
    });
    expect(cards['visibility']).toMatchObject({ answer: '2 of 29 occluded' });
    expect(cards['visibility']?.dots?.slice(2, 4)).toEqual([
      { on: false, title: 'point 2: occluded with 27 %' },
      { on: true, title: 'point 3: occluded with 98 %' },
    ]);
    expect(cards['age']).toMatchObject({ answer: '20-29', small: '(100 %), expected age 25' });
    expect(cards['gender']).toMatchObject({ answer: 'female', small: '75 %', bars: [{ label: 'male', top: false }, { top: true }] });
  });

  test('is the same of a face that was JSON', () => {
    expect(describeFace(JSON.parse(JSON.stringify(faceToJson(face))))).toEqual(describeFace(face));
  });

  test('looks at nothing else that an app gave the face', () => {
    expect(describeFace({ ...face, seen: Number.NaN, name: null } as DrawnFace)).toEqual(describeFace(face));
  });

  test('says the classes of another network', () => {
    const [names, palette] = [SEGFACE_CLASSES.map(({ name }) => name), SEGFACE_CLASSES.map(({ colour }) => colour)];
    const segmentation = { width: 2, height: 1, classes: Uint8Array.of(15, 2), labels: names, palette };
    expect(describeFace({ box: crop, segmentation })[0]?.line).toBe('skin 50 %, glasses 50 %');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['an angle that is no number', { box: crop, headpose: { ...face.headpose, yaw: Number.NaN } }],
    ['a number that JSON could not write', { box: crop, gender: { ...face.gender, probability: null } }],
    ['a choice without probabilities', { box: crop, gender: { label: 'male', probability: 1 } }],
    ['landmarks that are a number', { box: crop, landmarks: 68 }],
  ])('refuses %s', (_, wrong) => {
    expect(codeOf(() => describeFace(wrong as DrawnFace))).toBe('BAD_OPTION');
  });
});
