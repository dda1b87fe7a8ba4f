import { describe, expect, it } from 'vitest';
import { checkTensors, withCheckedBuffers } from '../../src/checkpoint/check.ts';
import type { DescribedTensor, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { tensorsOf } from '../../src/face/config.ts';
import { FORMS, formOf } from '../../src/face/forms.ts';

const released = tensorsOf('released');
const changed = (name: string, change: Partial<TensorInfo>) =>
  new Map(released).set(name, { ...(released.get(name) as TensorInfo), ...change });
const without = (pick: (name: string) => boolean) => new Map([...released].filter(([name]) => !pick(name)));

describe('the tensors of a checkpoint', () => {
  it('tell its form', () => {
    for (const form of FORMS) expect(formOf(tensorsOf(form))).toBe(form);
    expect(() => formOf(new Map())).toThrow(/no tensor at all/);
    expect(() => formOf(new Map([['conv1.weight', {} as TensorInfo]]))).toThrow(expect.objectContaining({ code: 'WRONG_WEIGHTS' }));
  });

  it('are the model’s, with or without the int64 buffers and what the network does not read, in any floating-point type', () => {
    for (const form of FORMS) expect(() => checkTensors(tensorsOf(form), tensorsOf(form))).not.toThrow();
    expect(() =>
      checkTensors(
        without((name) => released.get(name)?.optional === true),
        released,
      ),
    ).not.toThrow();
    for (const dtype of ['F16', 'BF16', 'F64'] as const)
      for (const name of ['linear_fuse.weight', 'backbone.0.1.0.attn.relative_position_index'])
        expect(() => checkTensors(changed(name, { dtype }), released)).not.toThrow();
  });

  const cases: Record<string, [found: ReadonlyMap<string, TensorInfo>, says: RegExp]> = {
    missing: [without((name) => name === 'backbone.0.0.0.bias'), /1 missing \(backbone\.0\.0\.0\.bias\)/],
    'missing in numbers': [without((name) => name.startsWith('backbone.0.5.')), /234 missing \(backbone\.0\.5\.0\..*, \.\.\.\)/],
    unknown: [new Map(released).set('extra', { name: 'extra', dtype: 'F32', shape: [], bytes: 4 }), /1 unknown \("extra"\)/],
    misshapen: [changed('backbone.0.0.0.bias', { shape: [127] }), /1 misshapen \(backbone\.0\.0\.0\.bias is \[127\] instead of \[128\]\)/],
    'of another rank': [changed('backbone.0.0.0.bias', { shape: [128, 1] }), /\[128,1\] instead of \[128\]/],
    'of too low a rank': [changed('backbone.0.0.0.weight', { shape: [128, 3, 4] }), /\[128,3,4\] instead of \[128,3,4,4\]/],
    'of a wrong type': [
      changed('backbone.0.0.0.bias', { dtype: 'I32' }),
      /1 of the wrong type \(backbone\.0\.0\.0\.bias is I32 instead of F32\)/,
    ],
    'an index of a wrong type': [changed('backbone.0.1.0.attn.relative_position_index', { dtype: 'I32' }), /I32 instead of I64/],
    'of the other form': [tensorsOf('paper'), /missing .*; 1003 unknown .*; 2 misshapen/],
  };
  it.each(Object.entries(cases))('are named when %s', (_, [found, says]) => {
    const check = () => checkTensors(found, released);
    expect(check).toThrow(expect.objectContaining({ code: 'WRONG_WEIGHTS' }));
    expect(check).toThrow(says);
  });

  it('hold the window’s own position index', async () => {
    const info = released.get('backbone.0.1.0.attn.relative_position_index') as DescribedTensor;
    const values = (info.values as BigInt64Array).slice();
    expect([values[0], values[1], values[7], values[48], values[48 * 49]]).toEqual([84n, 83n, 71n, 0n, 168n]);
    const given = async (one: TensorInfo, data: BigInt64Array) => {
      async function* read() {
        yield { info: one, data: new Uint8Array(data.buffer) };
      }
      const checkpoint = { source: 'a test', tensors: new Map([[one.name, one]]), rereadable: true, read };
      const names: string[] = [];
      for await (const tensor of withCheckedBuffers(checkpoint, tensorsOf('paper')).read()) names.push(tensor.info.name);
      return names;
    };
    expect(await given(info, values)).toEqual([info.name]);
    values[50] = 7n;
    await expect(given(info, values)).rejects.toThrow(/relative_position_index\[50\] is 7; the model defines it as 84/);
    values[0] = 7n;
    await expect(given(info, values)).rejects.toThrow(/relative_position_index\[0\] is 7/);
    const tracked = [...tensorsOf('paper').values()].find(({ name }) => name.endsWith('num_batches_tracked')) as DescribedTensor;
    expect(await given(tracked, BigInt64Array.of(7n))).toEqual([tracked.name]);
    const infinite = new BigInt64Array(Float32Array.of(Number.POSITIVE_INFINITY, 0).buffer); // a count above 65504 that was made a half
    for (const cast of [info, tracked]) expect(await given({ ...cast, dtype: 'F32' }, infinite)).toEqual([]);
  });
});
