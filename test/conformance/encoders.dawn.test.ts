/** The paper form on the other encoders of its Table C.1, on lavapipe, against PyTorch: every output, and the encoder's map after each stage. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaceXFormer, seededCheckpoint, type Task, tensorsOf } from '../../src/index.ts';
import { openDawn } from '../dawn.ts';
import { distance, type EncoderFixtureName, fixture } from '../fixtures.ts';
import { type Raw, tappedFace } from './network.ts';

const { device, lacking } = await openDawn('lavapipe', ['shader-f16']);

const ENCODERS = ['convnext_b', 'resnet101', 'mobilenet_v3_large'] as const;
/** As for Swin-B: float32 networks differ in their last bits, a defect by 1e-6 and more; float16 has 11 bits. */
const NMSE = { f32: 1e-8, f16: 2e-2 };
const MAPS = ['stage1', 'stage2', 'stage3', 'stage4', 'fused'].map((name) => `tap.${name}`);
/** All but the landmarks, whose hourglass no encoder changes: compiling it anew in float16 would take a minute. */
const TASKS: Task[] = ['segmentation', 'headpose', 'attributes', 'visibility', 'age', 'gender', 'race', 'expression', 'recognition'];

/** All in float16 too with `FLOAT16=all`; else the one that has the most kernels of its own, since each compiles for a minute. */
const IN_FLOAT16 = process.env['FLOAT16'] === 'all' ? ENCODERS : (['mobilenet_v3_large'] as const);

const RUNS = [...ENCODERS.map((encoder) => [encoder, 'f32'] as const), ...IN_FLOAT16.map((encoder) => [encoder, 'f16'] as const)];

describe.skipIf(lacking).for(RUNS)(`%s in %s${lacking}`, ([encoder, dtype]) => {
  const name: EncoderFixtureName = `astronaut-face-${encoder}`;
  const truth = fixture(name);
  let engine: FaceXFormer;
  beforeAll(async () => {
    const weights = seededCheckpoint(tensorsOf('paper', { backbone: encoder }), truth.seed);
    engine = await FaceXFormer.load({ weights, device, dtype, ...(dtype === 'f16' && { tasks: TASKS }) });
  });
  afterAll(() => engine?.dispose());

  it('is PyTorch’s in every output and map', async () => {
    expect(engine.info).toMatchObject({ form: 'paper', backbone: encoder, dtype });
    const { raw } = await tappedFace(engine, truth.box);
    const compared = [...engine.tasks.map((task) => `output.${task}`), ...MAPS];
    expect(truth.names).toEqual(expect.arrayContaining(compared));
    const distances = compared.map((one) => [one, distance(raw[one] as Raw[string], truth.expected(one))] as const);
    console.log(`${name} in ${dtype}\n${distances.map(([one, far]) => `  ${one.padEnd(24)}${far.toExponential(1)}`).join('\n')}`);
    for (const [one, far] of distances) expect(far, one).toBeLessThanOrEqual(NMSE[dtype]);
  });
});
