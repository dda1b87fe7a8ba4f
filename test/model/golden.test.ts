/** Results from PyTorch's raw outputs, against what NumPy makes of the same numbers (softmax, sigmoid, SVD in float64; 2026). */
import { describe, expect, test } from 'vitest';
import { faceOf } from '../../src/face/faces.ts';
import type { Task } from '../../src/face/labels.ts';
import type { Face, RawOutputs } from '../../src/face/results.ts';
import { type FixtureName, fixture } from '../fixtures.ts';

const WHOLE: readonly Task[] = ['landmarks', 'headpose', 'attributes', 'visibility', 'age', 'gender', 'race', 'expression', 'recognition'];

function faceFrom(name: FixtureName): { face: Face; mask: Uint8Array } {
  const given = fixture(name);
  const raw: RawOutputs = {};
  for (const task of WHOLE) if (given.names.includes(`output.${task}`)) raw[task] = given.expected(`output.${task}`).values as Float32Array;
  return { face: faceOf({ ...raw, mask: given.mask }, { crop: given.box, form: given.form }), mask: given.mask };
}

interface Golden {
  landmark30: [number, number];
  degrees: [number, number, number];
  age: [string, number, number];
  gender: [string, number];
  race: [string, number];
  attributes: number;
  smiling: number;
  occluded: number;
  visibility7: number;
}

const GOLDEN: Record<FixtureName, Golden> = {
  'astronaut-face': {
    landmark30: [145.43017054, 109.37710524],
    degrees: [-11.16889352, 42.13248293, 39.57960752],
    age: ['0-9', 0.19871578963385486, 39.39948754923632],
    gender: ['male', 0.5777751488013894],
    race: ['White', 0.2692717871554015],
    attributes: 17,
    smiling: 0.5848123862942408,
    occluded: 14,
    visibility7: 0.37572451521845274,
  },
  'astronaut-wide': {
    landmark30: [77.06681418, 187.59032291],
    degrees: [5.67705132, -8.75776503, 3.14119354],
    age: ['20-29', 0.39986207113290306, 31.835063889893235],
    gender: ['male', 0.7487967302013874],
    race: ['Asian', 0.44243694204845707],
    attributes: 26,
    smiling: 0.5459587038780577,
    occluded: 14,
    visibility7: 0.47601712140222235,
  },
  'astronaut-face-paper': {
    landmark30: [223.40016902, 72.56747876],
    // From the rotation below: pitch = atan2(-R12, R22), yaw = asin(R02), roll = atan2(-R01, R00).
    degrees: [-78.72861667, -27.06864563, -51.04942184],
    age: ['60-69', 0.19088039326327755, 42.601422917428756],
    gender: ['male', 0.5697154550861243],
    race: ['White', 0.304392150951195],
    attributes: 15,
    smiling: 0.46053144778134486,
    occluded: 15,
    visibility7: 0.3467667798901693,
  },
};

describe.each(Object.entries(GOLDEN) as [FixtureName, Golden][])('%s', (name, golden) => {
  const { face, mask } = faceFrom(name);

  test('landmarks and head pose', () => {
    const point = face.landmarks?.[30];
    expect(point?.x).toBeCloseTo(golden.landmark30[0], 7);
    expect(point?.y).toBeCloseTo(golden.landmark30[1], 7);
    const { pitch, yaw, roll } = face.headpose ?? {};
    [pitch, yaw, roll].forEach((angle, i) => {
      expect(angle).toBeCloseTo(golden.degrees[i] as number, 6);
    });
  });

  test('age, gender and race', () => {
    expect([face.age?.label, face.gender?.label, face.race?.label]).toEqual([golden.age[0], golden.gender[0], golden.race[0]]);
    expect(face.age?.probability).toBeCloseTo(golden.age[1], 12);
    expect(face.age?.years).toBeCloseTo(golden.age[2], 10);
    expect(face.gender?.probability).toBeCloseTo(golden.gender[1], 12);
    expect(face.race?.probability).toBeCloseTo(golden.race[1], 12);
  });

  test('attributes, visibility and the mask', () => {
    expect(Object.values(face.attributes ?? {}).filter(({ value }) => value)).toHaveLength(golden.attributes);
    expect(face.attributes?.Smiling.probability).toBeCloseTo(golden.smiling, 12);
    expect(face.visibility?.filter(({ occluded }) => occluded)).toHaveLength(golden.occluded);
    expect(face.visibility?.[7]?.probability).toBeCloseTo(golden.visibility7, 12);
    expect(Buffer.from(face.segmentation?.classes ?? []).equals(mask)).toBe(true);
  });
});

test('astronaut-face-paper: expression, embedding, and the rotation that SVD gives', () => {
  const { face } = faceFrom('astronaut-face-paper');
  expect(face.expression).toMatchObject({ label: 'happiness', probability: expect.closeTo(0.3307807435243358, 12) });
  expect(Math.hypot(...(face.recognition?.embedding ?? []))).toBeCloseTo(1, 6);
  const rotation = [
    0.5597887445, 0.6925020346, -0.4550576817, 0.1285501308, 0.4699409767, 0.8732870904, 0.8186033382, -0.5473540085, 0.1740464422,
  ];
  face.headpose?.matrix.forEach((value, i) => {
    expect(value).toBeCloseTo(rotation[i] as number, 9);
  });
});
