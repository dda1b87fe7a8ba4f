/** SegFace as a network: recognised from its tensors, at every side, and no more dispatches than a phone should take. */
import { describe, expect, it } from 'vitest';
import { readConfig, tensorsOf } from '../../src/face/config.ts';
import { faceOf } from '../../src/face/faces.ts';
import { faceToJson } from '../../src/face/json.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { maskToPicture } from '../../src/image/crop.ts';
import { ENCODERS } from '../../src/model/backbones/index.ts';
import { network } from '../../src/model/network.ts';
import { segFaceConfig } from '../../src/segface/config.ts';
import { isSegFace, SEGFACE_CLASSES, type SegFaceClass, type SegmentedFace, segFaceTensors } from '../../src/segface/index.ts';
import { codeOf } from '../errors.ts';

const crop = { x0: 10, y0: 20, x1: 30, y1: 40 };

it.each(ENCODERS)('is known from its tensors, and its encoder %s too; FaceXFormer’s are others', (encoder) => {
  const tensors = segFaceTensors(encoder);
  expect(isSegFace(tensors)).toBe(true);
  expect(segFaceConfig(tensors)).toMatchObject({ side: 512, backbone: { name: encoder } });
  expect(codeOf(() => readConfig(tensors))).toBe('WRONG_WEIGHTS');
  expect(codeOf(() => segFaceConfig(tensorsOf('released')))).toBe('WRONG_WEIGHTS');
  const lacking = new Map(tensors);
  lacking.delete('face_decoder.hat_token.weight');
  expect(codeOf(() => segFaceConfig(lacking))).toBe('WRONG_WEIGHTS');
});

it.each([224, 256, 320, 448, 512])('gives a class for each pixel at %i', (side) => {
  const plan = makePlan(network(segFaceConfig(segFaceTensors(), side)), ['segmentation', 'mask']);
  const shapes = Object.fromEntries(plan.readbacks.map(({ name, shape, bytes }) => [name, [shape, bytes]]));
  expect(shapes).toEqual({ segmentation: [[1, 19, side, side], 19 * 4 * side ** 2], mask: [[side ** 2 / 4], side ** 2] });
});

it('takes at most 150 dispatches with MobileNet’s encoder at 512', () => {
  const plan = makePlan(network(segFaceConfig(segFaceTensors('mobilenet_v3_large'))), ['mask']);
  expect(plan.totals.dispatches).toBeLessThanOrEqual(150);
});

describe('a parsing map', () => {
  const { table } = segFaceConfig(segFaceTensors(), 256);
  const mask = Uint8Array.from({ length: 256 ** 2 }, (_, i) => (i % 256 < 128 ? 4 : 5));
  const origin = { crop, side: 256, form: 'released' } as const;

  it('has the classes, whose sides are the picture’s, and their colours', () => {
    const { segmentation } = faceOf({ mask }, origin, table);
    expect(segmentation).toMatchObject({ width: 256, height: 256 });
    expect(segmentation?.labels.length).toBe(19);
    expect([4, 5, 6, 7, 8, 9].map((i) => segmentation?.labels[i])).toEqual([
      ...['right ear', 'left ear', 'right eyebrow', 'left eyebrow', 'right eye', 'left eye'],
    ]);
    expect(segmentation?.palette).toEqual(SEGFACE_CLASSES.map(({ colour }) => colour));
    expect(new Set(segmentation?.palette.map(String)).size).toBe(19);
  });

  it('is written as JSON, and so is what a session or an option adds to a face', () => {
    const { segmentation } = faceOf({ mask }, origin, table) as unknown as SegmentedFace;
    const json = faceToJson({ box: crop, id: 3, segmentation, raw: { logits: { shape: [2], data: Float32Array.of(1, 2) } } });
    const [classes, label, id, logits]: [number[], SegFaceClass | undefined, number, number[]] = [
      ...([json.segmentation.classes, json.segmentation.labels[4]] as const),
      ...([json.id, json.raw.logits.data] as const),
    ];
    expect([classes.length, label, id, logits]).toEqual([256 * 256, 'right ear', 3, [1, 2]]);
  });

  it('lies in the picture where its crop is', () => {
    const whole = maskToPicture(mask, crop, { width: 50, height: 50 }, 255);
    expect([9, 10, 19, 20, 29, 30].map((x) => whole[25 * 50 + x])).toEqual([255, 4, 4, 5, 5, 255]);
  });

  it('of another size or with a class beyond the last is refused', () => {
    expect(codeOf(() => faceOf({ mask: mask.subarray(1) }, origin, table))).toBe('GPU_ERROR');
    expect(codeOf(() => faceOf({ mask: mask.map(() => 19) }, origin, table))).toBe('GPU_ERROR');
  });
});
