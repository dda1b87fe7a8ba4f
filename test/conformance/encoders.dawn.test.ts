/** The paper form on the other encoders of its Table C.1, on lavapipe, against PyTorch: every output, and the encoder's map after each stage. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaceXFormer, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { openDawn } from '../dawn.ts';
import { distance, type EncoderFixtureName, fixture } from '../fixtures.ts';
import { loadFused, type Raw, tappedFace } from './network.ts';

const { device, lacking } = await openDawn('lavapipe');

/** As for Swin-B: float32 networks differ in their last bits; a defect differs by 1e-6 and more. */
const NMSE = 1e-8;
const MAPS = ['stage1', 'stage2', 'stage3', 'stage4', 'fused'].map((name) => `tap.${name}`);

describe.skipIf(lacking).for(['convnext_b'] as const)(`%s${lacking}`, (encoder) => {
  const name: EncoderFixtureName = `astronaut-face-${encoder}`;
  const truth = fixture(name);
  let engine: FaceXFormer;
  beforeAll(async () => {
    engine = await loadFused(device, seededCheckpoint(tensorsOf('paper', { backbone: encoder }), truth.seed));
  });
  afterAll(() => engine?.dispose());

  it(`${name} is PyTorch’s`, async () => {
    const { raw } = await tappedFace(engine, truth.box);
    const compared = truth.names.filter((one) => /^(output|tap)\./.test(one));
    expect(compared).toEqual(expect.arrayContaining([...MAPS, ...Object.keys(raw).filter((one) => one.startsWith('output.'))]));
    const distances = compared.map((one) => [one, distance(raw[one] as Raw[string], truth.expected(one))] as const);
    console.log(`${name}\n${distances.map(([one, far]) => `  ${one.padEnd(32)}${far.toExponential(1)}`).join('\n')}`);
    for (const [one, far] of distances) expect(far, one).toBeLessThanOrEqual(NMSE);
  });
});
