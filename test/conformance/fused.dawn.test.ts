/** The fused plan in float32, on lavapipe, against PyTorch: outputs, taps, batches, and what a frame costs besides the GPU's work. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Box, type FaceXFormer, type Form, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { openDawn } from '../dawn.ts';
import { counting } from '../engine/count.ts';
import { distance, type FixtureName, fixture, thin } from '../fixtures.ts';
import { differing, FUSED_TAPS, farthest, HOURGLASS_TAPS, loadFused, picture, type Raw, tappedFace } from './network.ts';

const { device, lacking } = await openDawn('lavapipe', ['subgroups']); // as the engine asks a CPU
const { device: bare } = await openDawn('lavapipe');
const read = lacking ? undefined : counting();
const counts = () => (read as NonNullable<typeof read>)();

/** As for the plain plan: float32 networks differ in their last bits; a defect differs by 1e-6 and more. */
const NMSE = 1e-8;
/** Of a batch against the same kernels on one image. */
const BATCH_NMSE = 1e-10;

/** Faces of a batch, by their places in it: eight of five boxes, which are of several sizes. */
const BOXES: Box[] = [
  fixture('astronaut-face').box,
  { x0: 0, y0: 0, x1: 512, y1: 512 },
  { x0: 200, y0: 60, x1: 260, y1: 150 },
  { x0: 20, y0: 300, x1: 420, y1: 500 },
  { x0: 0, y0: 128, x1: 128, y1: 512 },
];
const EIGHT = [0, 1, 2, 3, 4, 2, 0, 3];

/** Weights, what is expected of them, the taps that the plan has, the faces of a batch, and where it runs, unless on lavapipe with its subgroups. */
const FORMS: [string, Form, FixtureName, string[], number[], GPUDevice?][] = [
  ['released form', 'released', 'astronaut-face', FUSED_TAPS, EIGHT],
  ['released form, other weights, a device without features', 'released', 'astronaut-wide', FUSED_TAPS, [], bare],
  ['paper form', 'paper', 'astronaut-face-paper', [...FUSED_TAPS, ...HOURGLASS_TAPS], [2, 0, 1]],
];

it.skipIf(lacking).for([[[], bare] as const, [['subgroups'], device] as const])(
  'a device with features %j has no more than every WebGPU device',
  ([features, on]) => {
    expect([...on.features].filter((feature) => (feature as string) !== 'core-features-and-limits')).toEqual(features);
    expect(on.limits).toMatchObject({
      maxBufferSize: 2 ** 28,
      maxStorageBufferBindingSize: 2 ** 27,
      maxStorageBuffersPerShaderStage: 8,
      maxComputeWorkgroupStorageSize: 16_384,
      maxComputeInvocationsPerWorkgroup: 256,
      maxComputeWorkgroupSizeX: 256,
      maxComputeWorkgroupsPerDimension: 65_535,
    });
  },
);

describe.skipIf(lacking).for(FORMS)(`%s${lacking}`, ([, form, name, taps, batch, on = device]) => {
  const truth = fixture(name);
  let engine: FaceXFormer;
  beforeAll(async () => {
    engine = await loadFused(on, seededCheckpoint(tensorsOf(form), truth.seed));
    expect(engine.info.fallback).toBeUndefined();
  });
  afterAll(() => engine?.dispose());

  it(`${name} is PyTorch’s`, async () => {
    const { raw, mask } = await tappedFace(engine, truth.box);
    const names = truth.names.filter((one) => /^output\./.test(one));
    expect(Object.keys(raw).sort()).toEqual([...names, ...taps, 'pixels', 'resized'].sort());
    const compared = truth.names.filter((one) => names.includes(one) || taps.includes(one));
    const distances = compared.map((one) => [one, distance(raw[one] as Raw[string], truth.expected(one))] as const);
    console.log(`${name}\n${distances.map(([one, far]) => `  ${one.padEnd(32)}${far.toExponential(1)}`).join('\n')}`);
    for (const [one, far] of distances) expect(far, one).toBeLessThanOrEqual(NMSE);
    for (const one of ['resized', 'pixels']) {
      const { values, step } = truth.expected(one);
      expect(Buffer.compare(bytesOf(thin((raw[one] as Raw[string]).data, step)), bytesOf(values)), one).toBe(0);
    }
    expect(differing(mask, truth.mask)).toBeLessThanOrEqual(1e-4);
  });

  if (batch.length === 0) return;

  it(`gives ${batch.length} faces in one frame as one by one, and creates nothing for a frame`, async () => {
    const alone: Raw[] = [];
    const single = async (box: Box) => alone.push((await engine.analyze(picture, { box, raw: true })).faces[0]?.raw as Raw);
    const boxes = BOXES.slice(0, 1 + Math.max(...batch));
    await single(boxes[0] as Box); // makes the program
    counts();
    for (const box of boxes.slice(1)) await single(box);
    const frames = boxes.length - 1;
    // Beside the plan's dispatches a frame has its stamp, and raw outputs take one more: the parsing map's logits.
    const dispatches = frames * (engine.plan().dispatches.length + 2);
    const cost = { creates: 0, encoders: frames, passes: frames, dispatches, submits: frames, maps: frames, mostInFlight: 1 };
    expect(counts()).toEqual(cost);
    const { faces } = await engine.analyze(picture, { boxes: batch.map((i) => BOXES[i] as Box), raw: true });
    expect(counts()).toMatchObject({ passes: 1, submits: 1, maps: 1 });
    expect(faces.length).toBe(batch.length);
    const worst = faces.map((face, i) => farthest(face.raw as Raw, alone[batch[i] as number] as Raw));
    console.log(
      `${form}, ${batch.length} in one frame: ${worst.map(({ output, nmse }) => `${output} ${nmse.toExponential(1)}`).join(', ')}`,
    );
    for (const { output, nmse } of worst) expect(nmse, output).toBeLessThanOrEqual(BATCH_NMSE);
    // Faces that were mixed up would be far from their own.
    expect(farthest(alone[0] as Raw, alone[1] as Raw).nmse).toBeGreaterThan(1e-4);
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);
