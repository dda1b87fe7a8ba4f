/** Both plans of the same frame, on SwiftShader, whose subgroups of four the plain one needs: what is folded is what is not. */
import { describe, expect, it } from 'vitest';
import { FaceXFormer, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { openDawn } from '../dawn.ts';
import { fixture } from '../fixtures.ts';
import { differing, FUSED_TAPS, type Raw, tappedFace } from './network.ts';

const { device, lacking } = await openDawn('swiftshader', ['subgroups']);
const NMSE = 1e-8;

describe.skipIf(lacking)(`plans${lacking}`, () => {
  it('agree in every output and in every tap that both have', async () => {
    const { seed, box } = fixture('astronaut-face');
    const given = async (plan: 'plain' | 'fused') => {
      const engine = await FaceXFormer.load({ weights: seededCheckpoint(tensorsOf('released'), seed), device, plan, dtype: 'f32' });
      const face = await tappedFace(engine, box);
      const dispatches = engine.plan().dispatches.length;
      engine.dispose();
      return { ...face, dispatches };
    };
    const [plain, fused] = [await given('plain'), await given('fused')];
    expect(fused.dispatches).toBeLessThan(plain.dispatches); // they are two plans indeed
    const common = Object.keys(fused.raw).filter((name) => name in plain.raw);
    expect(common).toEqual(expect.arrayContaining(FUSED_TAPS));
    const distances = common.map(
      (name) => [name, nmse((fused.raw[name] as Raw[string]).data, (plain.raw[name] as Raw[string]).data)] as const,
    );
    console.log(distances.map(([name, far]) => `${name.padEnd(32)}${far.toExponential(1)}`).join('\n'));
    for (const [name, far] of distances) expect(far, name).toBeLessThanOrEqual(NMSE);
    expect(differing(fused.mask, plain.mask)).toBeLessThanOrEqual(1e-4);
  });
});
