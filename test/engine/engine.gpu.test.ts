/** The engine as a page uses it: what it gives, what it refuses, and that it stays usable. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type OpenPage, useBrowser } from '../browser.ts';

const open = useBrowser();
let page: OpenPage;

beforeAll(async () => {
  page = await open("export * from './test/engine/engine.page.ts';");
});

describe('FaceXFormer', () => {
  it('loads in phases, pipelines asked for before the weights', async () => {
    const order = ['device', 'pipelines', 'weights', 'ready'];
    expect(await page.call('load')).toEqual({ phases: order, counted: true, rises: true });
    expect(await page.call('facts')).toMatchObject({
      tasks: ['age', 'gender'],
      form: 'released',
      dtype: 'f32',
      weights: 'seeded 20240319',
      fallback: 'none',
    });
  });

  it('refuses wrong calls with their codes', async () => {
    expect(await page.call('wrongCalls')).toEqual({
      'box inverted': 'BAD_BOX',
      'box of nothing': 'BAD_BOX',
      'box outside': 'BAD_BOX',
      'box of NaN': 'BAD_BOX',
      'box and boxes': 'BAD_OPTION',
      'unknown option': 'BAD_OPTION',
      'box of a word': 'BAD_OPTION',
      'no way to crop': 'BAD_OPTION',
      'no number of faces': 'BAD_OPTION',
      'unknown task': 'UNKNOWN_TASK',
      'task not loaded': 'UNKNOWN_TASK',
      'no task': 'BAD_OPTION',
      'no list of tasks': 'BAD_OPTION',
      'no list of boxes': 'BAD_OPTION',
      'no picture': 'BAD_PICTURE',
      'not a picture': 'BAD_PICTURE',
      'too few pixels': 'BAD_PICTURE',
      'aborted before': 'ABORTED',
      'tuning aborted before': 'ABORTED',
    });
  });

  it('runs calls one after the other, each with the same answer, and works after refusals', async () => {
    const [first, second] = (await page.call('ages', 2)) as [number[], number[]];
    expect(first).toHaveLength(8);
    expect(first.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
    expect(second).toEqual(first);
    expect(await page.call('keys')).toEqual(['box', 'gender', 'source']);
  });

  it('overlaps calls, answers them in order and as if alone, and creates nothing for a frame', async () => {
    const { counts, ...answers } = (await page.call('overlapping')) as { counts: object };
    expect(answers).toEqual({ order: ['two faces', 'wrong', 'no face', 'one face'], equal: true, different: true, timings: true });
    expect(counts).toMatchObject({ creates: 0, encoders: 2, passes: 2, submits: 2, maps: 2, mostInFlight: 2 });
  });

  it('takes options, boxes and frames when it is called', async () => {
    expect(await page.call('takenAtOnce')).toEqual([true, true, true]);
  });

  it('analyses the faces that the detector finds, and none where it finds none', async () => {
    expect(await page.call('detected')).toEqual({
      official: { x0: 5, y0: 2, x1: 35, y1: 38 },
      square: { x0: 2, y0: 2, x1: 38, y1: 38 },
      source: 'detector',
      score: 0.9,
      detected: { x0: 10, y0: 8, x1: 30, y1: 32 },
      points: 5,
      most: 1,
      none: [],
      given: 'given',
      whole: { source: 'whole', box: { x0: 0, y0: 0, x1: 64, y1: 48 } },
    });
  });

  it('takes boxes in every form', async () => {
    expect(await page.call('boxForms')).toEqual([true, true, true]);
  });

  it('packs faces of several pictures into frames, and answers in their order', async () => {
    expect(await page.call('many')).toEqual({ faces: [2, 0, 1, 2], equal: true });
  });

  it('takes what a canvas shows when it is called, that of WebGL too', async () => {
    const { canvases, raw, black } = (await page.call('canvases')) as { canvases: number[]; raw: number; black: number };
    expect(canvases).toEqual([raw, raw, raw]);
    expect(raw).not.toBe(black);
  });

  it('makes no answer of numbers that are none', async () => {
    expect(await page.call('noNumbers')).toBe('WRONG_WEIGHTS');
  });

  it('gives heat maps of the paper form where they are asked for', async () => {
    expect(await page.call('heatmaps')).toEqual({
      refused: 'BAD_OPTION',
      shape: [1, 68, 56, 56],
      equal: true,
      positive: true,
      keys: ['box', 'heatmaps', 'landmarks', 'source'],
      overtaken: 'DISPOSED',
    });
  });

  it('refuses loads with their codes', async () => {
    expect(await page.call('wrongLoads')).toEqual({
      'no options': 'BAD_OPTION',
      'no weights': 'BAD_OPTION',
      'html for weights': 'BAD_WEIGHTS_FILE',
      'a missing tensor': 'WRONG_WEIGHTS',
      'unknown task': 'UNKNOWN_TASK',
      'a task of the other form': 'UNKNOWN_TASK',
      'no such dtype': 'BAD_OPTION',
      'float16 on a GPU without': 'BAD_OPTION',
      'aborted before': 'ABORTED',
      'aborted midway': 'ABORTED',
      'aborted at the last byte': 'ABORTED',
    });
  });

  it('ends calls that are aborted or overtaken by dispose', async () => {
    expect(await page.call('stoppedCalls')).toEqual({
      'aborted while running': 'ABORTED',
      'beside it': 'nothing',
      'disposed while running': 'DISPOSED',
      'disposed while next': 'DISPOSED',
      'disposed while waiting': 'DISPOSED',
      'after dispose': 'DISPOSED',
    });
  });

  it('says that its GPU was lost, and makes up no answer', async () => {
    expect(await page.call('lostDevice')).toEqual({
      'lost while running': 'DEVICE_LOST',
      'lost while next': 'DEVICE_LOST',
      'lost before': 'DEVICE_LOST',
      'lost before a load': 'DEVICE_LOST',
    });
  });

  it('left no complaint in the console', () => {
    expect(page.complaints).toEqual([]);
  });
});
