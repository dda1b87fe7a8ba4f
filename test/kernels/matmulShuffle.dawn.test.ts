/** Products by shuffles in subgroups of 16, more than SwiftShader has: a subgroup then has several tiles of columns, as those of GPUs do. */
import { describe, expect, it } from 'vitest';
import { openDawn } from '../dawn.ts';
import { judge } from './judge.ts';
import { cases } from './matmulShuffle.cases.ts';

process.env['LP_NATIVE_VECTOR_WIDTH'] = '512';
const { device, lacking } = await openDawn('lavapipe', ['subgroups']);

const TELLING = [
  'stage 4: 49 x 1024 x 128',
  'to a stream: 196 x 512 x 128',
  'two images',
  'a weight for each image',
  'columns in part: 49',
];

describe.skipIf(lacking)(`matmulShuffle, 16 lanes${lacking}`, () => {
  it.for(TELLING)('%s', async (name) => {
    const found = cases.filter((one) => one.lanes === 16 && one.name.includes(name) && !one.name.includes('float16'));
    expect(found).toHaveLength(1);
    expect(device.adapterInfo.subgroupMinSize).toBe(16);
    for (const one of found) expect((await judge(device, one)).faults).toEqual([]);
  });
});
