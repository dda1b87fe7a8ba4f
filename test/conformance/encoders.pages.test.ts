/**
 * `analyze --encoder` against PyTorch, through the command line and the browser: every output and map of the paper form. MobileNet, unless the environment
 * names another: ENCODER=resnet101. On SwiftShader the others take minutes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { main } from '../../scripts/commands.ts';
import { where, whereOptions } from '../browser.ts';
import { distance, type EncoderFixtureName, fixture, readTensors, type Tensor } from '../fixtures.ts';

const encoder = process.env['ENCODER'] ?? 'mobilenet_v3_large';
const truth = fixture(`astronaut-face-${encoder}` as EncoderFixtureName);
/** As for Swin-B: float32 networks differ in their last bits. */
const NMSE = 1e-8;

const folder = mkdtempSync(join(tmpdir(), 'encoders-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.skipIf(where.browser === 'firefox')(`${encoder} is PyTorch’s in every output and map`, async () => {
  const errors: string[] = [];
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'error').mockImplementation((line) => errors.push(line));
  const raw = join(folder, 'raw.safetensors');
  const { x0, y0, x1, y1 } = truth.box;
  const weights = ['--weights', `seeded:${truth.seed}`, '--form', 'paper', '--encoder', encoder];
  const code = await main([
    'analyze',
    truth.picture,
    ...weights,
    '--box',
    `${x0},${y0},${x1},${y1}`,
    '--taps',
    '--raw',
    raw,
    ...whereOptions,
  ]);
  vi.restoreAllMocks();
  expect(code, errors.join('\n')).toBe(0);
  const { tensors } = readTensors(raw);
  const names = truth.names.filter((one) => /^(output|tap)\./.test(one));
  expect([...tensors.keys()].filter((one) => one.startsWith('output.')).sort()).toEqual(
    names.filter((one) => one.startsWith('output.')).sort(),
  );
  const distances = names.map((one) => [one, distance(tensors.get(one) as Tensor, truth.expected(one))] as const);
  console.log(distances.map(([one, far]) => `${one.padEnd(24)}${far.toExponential(1)}`).join('\n'));
  for (const [one, far] of distances) expect(far, one).toBeLessThanOrEqual(NMSE);
});
