/** One row is all that a new head takes behind the network: reading, JSON, caption, drawing, report and card go by the table. */
import { expect, test } from 'vitest';
import { reportLines } from '../../cli/report.ts';
import { described } from '../../src/face/describe.ts';
import { captionOf, drawAll } from '../../src/face/draw.ts';
import { faceOf } from '../../src/face/faces.ts';
import { faceToJson } from '../../src/face/json.ts';
import { TASKS } from '../../src/face/labels.ts';
import type { DrawContext } from '../../src/face/pen.ts';
import { choice } from '../../src/face/readings/choice.ts';
import { headsOf, TASK_TABLE } from '../../src/face/tasks.ts';
import { swin } from '../../src/model/backbones/swin.ts';
import { PAPER_HOURGLASS } from '../../src/model/hourglass.ts';
import { tensorsOfNetwork } from '../../src/model/network.ts';
import { codeOf } from '../errors.ts';

const drawn: unknown[] = [];
const mood = {
  ...choice('Mood', ['calm', 'wild'], { captioned: true }),
  released: { tokens: 'mood_token', count: 1, path: 'mood_prediction_head', out: 2 },
  drawn: { as: 'lines', draw: (_: unknown, { label }: { label: string }) => drawn.push(label) },
} as const;
const table = { ...TASK_TABLE, mood };
const origin = { crop: { x0: 1, y0: 2, x1: 3, y1: 4 }, form: 'released' } as const;
const raw = { mood: Float32Array.of(0, Math.log(3)), gender: Float32Array.of(0, 1) };

test('every task has its row, in the order of the tasks', () => {
  expect(Object.keys(TASK_TABLE)).toEqual([...TASKS]);
});

test('a row that is added is part of the network: its tokens and its MLP are among the tensors', () => {
  const tensors = tensorsOfNetwork({ backbone: swin, heads: headsOf('released', PAPER_HOURGLASS, table) });
  expect(tensors.get('face_decoder.mood_token.weight')?.shape).toEqual([1, 256]);
  expect(tensors.get('face_decoder.mood_prediction_head.layers.2.weight')?.shape).toEqual([2, 256]);
});

test('a row that is added is read, checked, written, captioned and drawn', () => {
  const face = faceOf(raw, origin, table);
  const found = {
    label: 'wild',
    probability: expect.closeTo(0.75),
    probabilities: { calm: expect.closeTo(0.25), wild: expect.closeTo(0.75) },
  };
  expect(face).toMatchObject({ gender: { label: 'female' }, mood: found });
  expect(JSON.parse(JSON.stringify(faceToJson(face)))).toMatchObject({ mood: found });
  expect(codeOf(() => faceOf({ mood: new Float32Array(3) } as object, origin, table))).toBe('GPU_ERROR');
  expect(captionOf(face, table)).toEqual(['female, wild']);
  const picture = { width: 9, height: 9, faces: [faceToJson(face)], timings: {} };
  expect(reportLines('a.png', picture, table).join('\n')).toContain('  mood        wild (75 %)');
  expect(reportLines('a.png', { ...picture, faces: [] }, table)[0]).toBe('a.png  9 x 9: no face was found');
  expect(described(face, table)).toMatchObject([
    { task: 'gender' },
    { task: 'mood', title: 'Mood', card: { answer: 'wild', small: '75 %', bars: [{ label: 'calm' }, { label: 'wild', top: true }] } },
  ]);
  const ctx = { save() {}, restore() {}, getTransform: () => ({ a: 1, b: 0, c: 0, d: 1 }) } as unknown as DrawContext;
  drawAll(ctx, [face], { box: false, caption: false }, table);
  expect(drawn).toEqual(['wild']);
});
