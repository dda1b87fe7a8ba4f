/** Frames in flight: their order, what they cost, and how each ends when something ends them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type OpenPage, useBrowser } from '../browser.ts';
import type { besideEachOther } from './program.page.ts';

const open = useBrowser();
let page: OpenPage;

beforeAll(async () => {
  page = await open("export * from './test/engine/program.page.ts';");
});

describe('Program', () => {
  it('answers ten overlapping frames in order, each as if it were alone', async () => {
    expect(await page.call('inOrder', 10)).toEqual({ right: true, order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], serial: true });
  });

  it('creates nothing for a frame: one pass, one submit, one map, and three in flight', async () => {
    expect(await page.call('steady', 5)).toEqual({
      creates: 0,
      encoders: 5,
      passes: 5,
      dispatches: 15, // two, and the frame's stamp
      submits: 5,
      maps: 5,
      mostInFlight: 3,
    });
  });

  it('fails the frames in flight, and the one that waits, when it is destroyed', async () => {
    expect(await page.call('destroyed')).toEqual(Array(4).fill('DISPOSED'));
  });

  it('fails them when the GPU is lost', async () => {
    expect(await page.call('lost')).toEqual(Array(4).fill('DEVICE_LOST'));
  });

  it('answers them when it is let go of, and no more', async () => {
    expect(await page.call('retired')).toEqual({ right: true, after: 'DISPOSED' });
  });

  it('fails the frame that the GPU refuses, and no other', async () => {
    expect(await page.call('refused')).toEqual({
      outcomes: ['a value', 'a value', 'GPU_ERROR', 'a value'],
      right: true,
      uncaptured: [],
    });
  });

  it('runs two networks on one device, each with its own weights, on as much as the run says', async () => {
    const { given, counts, parameters } = await page.call<Awaited<ReturnType<typeof besideEachOther>>>('besideEachOther');
    expect(given).toEqual([
      [2, 4, 6, 0, 0, 0, 0, 0, 0, 0],
      [3, 6, 9, 12, 15, 18, 21, 24, 27, 30],
      [2, 4, 6, 8, 10, 0, 0, 0, 0, 0],
    ]);
    expect(counts).toMatchObject({ creates: 0, encoders: 3, passes: 3, dispatches: 6, submits: 3, maps: 3 });
    expect(parameters).toEqual([16, 16]);
  });

  it('left no complaint in the console', () => {
    expect(page.complaints).toEqual([]);
  });
});
