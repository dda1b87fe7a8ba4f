import { stamp } from '../../src/kernels/stamp.ts';
import { type KernelCase, runKernel } from './run.ts';

const counted = (name: string, before: number, after: number): KernelCase => ({
  name,
  bound: 'exact',
  async run(device) {
    const y = await runKernel(device, stamp, {}, {}, 1, 'f32', Uint32Array.of(before));
    return { actual: new Uint32Array(y), expected: [after] };
  },
});

export const cases: KernelCase[] = [
  counted('the first frame', 0, 1),
  counted('a later frame', 41, 42),
  counted('the count begins anew', 2 ** 32 - 1, 0),
];
