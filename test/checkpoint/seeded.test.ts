import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fillSeeded, seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { tensorsOf } from '../../src/face/config.ts';
import { FORMS } from '../../src/face/forms.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import expected from './seeded-sha256.json' with { type: 'json' };

const HASHES: Record<string, Record<string, Record<string, string>>> = expected;
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('seeded weights', () => {
  for (const form of FORMS)
    for (const [seed, hashes] of Object.entries(HASHES[form] as Record<string, Record<string, string>>)) {
      const { '*all float32 tensors, by sorted name, concatenated*': all, ...single } = hashes;

      it(`meets every single hash of the ${form} form, seed ${seed}`, () => {
        for (const [name, hash] of Object.entries(single)) {
          const info = tensorsOf(form).get(name);
          if (!info) throw new Error(`${name} is not in the manifest`);
          const data = new Uint8Array(info.bytes);
          fillSeeded(info, Number(seed), data);
          expect(sha256(data), name).toBe(hash);
        }
      });

      it(`meets the hash over all of the ${form} form, seed ${seed}`, () => {
        const infos = [...tensorsOf(form).values()].filter(({ dtype }) => dtype === 'F32').sort((a, b) => (a.name < b.name ? -1 : 1));
        const room = new ArrayBuffer(Math.max(...infos.map(({ bytes }) => bytes)));
        const hash = createHash('sha256');
        for (const info of infos) {
          const data = new Uint8Array(room, 0, info.bytes);
          fillSeeded(info, Number(seed), data);
          hash.update(data);
        }
        expect(hash.digest('hex')).toBe(all);
      }, 30_000);
    }

  it('reads as a checkpoint: every tensor once, in order, with progress, and again', async () => {
    const few = new Map([...tensorsOf('paper')].filter(([name]) => /^backbone\.0\.1\.0\.|stacks\.3\.bn\./.test(name)));
    const checkpoint = seededCheckpoint(few, 7);
    const steps: [loaded: number, total: number][] = [];
    for (const round of [1, 2]) {
      const names: string[] = [];
      for await (const { info, data } of checkpoint.read({ onProgress: (...step) => steps.push(step) })) {
        names.push(info.name);
        expect(data.length, `round ${round}`).toBe(info.bytes);
        if (info.name.endsWith('relative_position_index'))
          expect(new BigInt64Array(data.slice().buffer)).toEqual(few.get(info.name)?.values);
        if (info.name.endsWith('num_batches_tracked')) expect([...data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
      }
      expect(names).toEqual([...few.keys()]);
    }
    const total = [...few.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(steps.at(-1)).toEqual([total, total]);
    expect(checkpoint.source).toBe('seeded 7');
  });

  it('refuses a seed that is no 32-bit integer, and stops when told', async () => {
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 32])
      expect(() => seededCheckpoint(tensorsOf('released'), seed)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of seededCheckpoint(tensorsOf('released')).read({ signal: stop.signal })) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(reading).rejects.toBeInstanceOf(FaceXFormerError);
  });
});
