/** What the tests of SegFace's numbers share: one fixture against an engine, wherever that runs. */
import { expect } from 'vitest';
import { seededCheckpoint } from '../../src/index.ts';
import { SegFace, segFaceTensors } from '../../src/segface/index.ts';
import { picture } from '../conformance/network.ts';
import { distance, thin } from '../fixtures.ts';
import { type SegFaceFixture, segFaceTruth, sha256 } from './truth.ts';

/** Loads the network of a fixture, analyses its face, and holds every tensor of the fixture against what came out. */
export async function isPyTorchs(name: SegFaceFixture, device: GPUDevice, dtype: 'f32' | 'f16', bound: number): Promise<SegFace> {
  const truth = segFaceTruth(name);
  const weights = seededCheckpoint(segFaceTensors(truth.encoder), truth.seed);
  const start = performance.now();
  const parser = await SegFace.load({ weights, device, dtype, side: truth.side });
  const loaded = performance.now();
  const { faces } = await parser.analyze(picture, { box: truth.box, taps: true });
  const { raw = {}, segmentation } = faces[0] as (typeof faces)[number];
  const distances = truth.names.map(
    (one) => [one, distance(raw[one] ?? { shape: [], data: new Float32Array() }, truth.expected(one))] as const,
  );
  const { values, step } = truth.mask;
  const wrong = thin(segmentation.classes, step).filter((found, i) => found !== values[i]).length / values.length;
  console.log(
    `${name} ${dtype}: loaded in ${((loaded - start) / 1000).toFixed(1)} s, a frame ${((performance.now() - loaded) / 1000).toFixed(1)} s, ` +
      `${parser.plan().dispatches.length} dispatches; mask differs at ${(100 * wrong).toFixed(4)} %\n` +
      distances.map(([one, far]) => `  ${one.padEnd(24)}${far.toExponential(1)}`).join('\n'),
  );
  for (const [one, far] of distances) expect(far, one).toBeLessThanOrEqual(bound);
  expect(sha256(raw['resized']?.data as Uint8Array)).toBe(truth.resized);
  expect(segmentation).toMatchObject({ width: truth.side, height: truth.side });
  if (dtype === 'f32') expect(wrong).toBeLessThanOrEqual(1e-3);
  return parser;
}
