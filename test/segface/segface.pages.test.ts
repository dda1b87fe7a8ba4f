/**
 * `analyze --network segface` against PyTorch, through the command line and the browser, by the smallest encoder, unless the environment names others:
 * SEGFACE=resnet-512,swin_base-224. On SwiftShader those take minutes.
 */
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { classesOf } from '../../cli/annotate/face.ts';
import { whereOptions } from '../browser.ts';
import { facexformer, file } from '../conformance/analyze.ts';
import { distance, portrait, readTensors, type Tensor, thin } from '../fixtures.ts';
import { type SegFaceFixture, segFaceTruth, sha256 } from './truth.ts';

/** Float32 networks differ in their last bits, a defect by 1e-6 and more. */
const NMSE = 1e-8;

const fixtures = (process.env['SEGFACE']?.split(',') as SegFaceFixture[] | undefined) ?? ['mobilenet-512'];

it.each(fixtures)('SegFace on %s is PyTorch’s, is reported and drawn', async (name) => {
  const truth = segFaceTruth(name);
  const { x0, y0, x1, y1 } = truth.box;
  const network = ['--weights', `seeded:${truth.seed}`, '--network', 'segface', '--encoder', truth.encoder, '--side', `${truth.side}`];
  const files = ['--taps', '--raw', file('raw.safetensors'), '--json', file('all.json'), '--draw', file('drawn.png')];
  const said = await facexformer('analyze', portrait, ...network, '--box', `${x0},${y0},${x1},${y1}`, ...files, ...whereOptions);
  expect(said.code, said.err).toBe(0);
  expect(said.out).toMatch(/^ {2}parsing +\S/m);
  const { tensors } = readTensors(file('raw.safetensors'));
  const distances = truth.names.map((one) => [one, distance(tensors.get(one) as Tensor, truth.expected(one))] as const);
  console.log(distances.map(([one, far]) => `${one.padEnd(24)}${far.toExponential(1)}`).join('\n'));
  for (const [one, far] of distances) expect(far, one).toBeLessThanOrEqual(NMSE);
  expect(sha256(tensors.get('resized')?.data as Uint8Array)).toBe(truth.resized);
  const { segmentation } = JSON.parse(readFileSync(file('all.json'), 'utf8')).pictures[0].faces[0];
  expect(segmentation).toMatchObject({ width: truth.side, height: truth.side });
  const { values, step } = truth.mask;
  const wrong = thin(classesOf(segmentation), step).filter((found, i) => found !== values[i]).length;
  expect(wrong / values.length).toBeLessThanOrEqual(1e-3);
  const [before, after] = [portrait, file('drawn.png')].map((path) => PNG.sync.read(readFileSync(path)).data) as [Buffer, Buffer];
  const inside = Array.from(
    { length: (y1 - y0) * (x1 - x0) },
    (_, i) => 4 * ((y0 + Math.floor(i / (x1 - x0))) * 512 + x0 + (i % (x1 - x0))),
  );
  const drawn = inside.filter((at) => before.compare(after, at, at + 3, at, at + 3) !== 0).length;
  expect(drawn / inside.length).toBeGreaterThan(0.5);
});
