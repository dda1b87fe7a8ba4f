/** The fused plan in float16, on lavapipe, against PyTorch in float64 on the same rounded weights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reduced } from '../../cli/convert/reduce.ts';
import { inFloat32 } from '../../src/checkpoint/values.ts';
import { type FaceXFormer, type Form, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { nmse } from '../../src/tune/nmse.ts';
import { openDawn } from '../dawn.ts';
import { fixture, readTensors } from '../fixtures.ts';
import { differing, FUSED_TAPS, HOURGLASS_TAPS, loadFused, type Raw, tappedFace } from './network.ts';

const { device, lacking } = await openDawn('lavapipe', ['shader-f16']);

/** Of float16 activations with 11 bits, through 24 blocks. */
const NMSE = 2e-2;
/** Every so many of the parsing logits are in the fixtures. */
const STEP = 57;

const FORMS: [Form, string, string[]][] = [
  ['released', 'reduced-f16', FUSED_TAPS],
  ['paper', 'reduced-paper-f16', [...FUSED_TAPS, ...HOURGLASS_TAPS]],
];

describe.skipIf(lacking).for(FORMS)(`%s form${lacking}`, ([form, file, taps]) => {
  const { tensors } = readTensors(new URL(`../cli/convert/fixtures/${file}.safetensors`, import.meta.url));
  const outputs = [...tensors.keys()].filter((name) => name.startsWith('output.'));
  let engine: FaceXFormer;
  let raw: Raw;
  let mask: Uint8Array;
  beforeAll(async () => {
    const weights = reduced(inFloat32(seededCheckpoint(tensorsOf(form))), 'f16');
    // One of the forms with a desktop's kernels: what a browser on SwiftShader, which has no float16, cannot run.
    engine = await loadFused(device, weights, 'f16', form === 'released' ? 'fused' : 'auto');
    ({ raw, mask } = await tappedFace(engine, fixture('astronaut-face').box));
  });
  afterAll(() => engine?.dispose());

  it('is finite in every output and tap', () => {
    expect(engine.info.dtype).toBe('f16');
    expect(Object.keys(raw).sort()).toEqual([...outputs, ...taps, 'pixels', 'resized'].sort());
    for (const [name, { data }] of Object.entries(raw)) expect(data.every(Number.isFinite), name).toBe(true);
  });

  it('is close to PyTorch in every output', () => {
    const distances = outputs.map((name) => {
      const { data } = raw[name] as Raw[string];
      return [
        name,
        nmse(name === 'output.segmentation' ? data.filter((_, i) => i % STEP === 0) : data, tensors.get(name)?.data ?? []),
      ] as const;
    });
    const share = differing(mask, Uint8Array.from(tensors.get('mask')?.data ?? []));
    console.log(`${form}, float16: ${distances.map(([name, far]) => `${name} ${far.toExponential(1)}`).join(', ')}, mask ${share}`);
    for (const [name, far] of distances) expect(far, name).toBeLessThanOrEqual(NMSE);
  });
});
