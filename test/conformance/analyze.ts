/** `analyze` held to PyTorch, through the command line and the browser: every output and every tap of the network. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { classesOf } from '../../cli/annotate/face.ts';
import { main } from '../../scripts/commands.ts';
import { whereOptions } from '../browser.ts';
import { argmax, distance, type Fixture, type FixtureName, fixture, portrait, readTensors, type Tensor, thin } from '../fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'analyze-'));
afterAll(() => rmSync(folder, { recursive: true }));
export const file = (name: string) => join(folder, name);

/** Float32 networks differ in their last bits; a defect differs by 1e-6 and more. */
const NMSE = 1e-8;

export async function facexformer(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const caught = { out: '', err: '' };
  const log = vi.spyOn(console, 'log').mockImplementation((line) => {
    caught.out += `${line}\n`;
  });
  const error = vi.spyOn(console, 'error').mockImplementation((line) => {
    caught.err += `${line}\n`;
  });
  const code = await main(args);
  log.mockRestore();
  error.mockRestore();
  return { code, ...caught };
}

const boxOption = ({ box: { x0, y0, x1, y1 } }: Fixture) => ['--box', `${x0},${y0},${x1},${y1}`];

interface SavedFace {
  landmarks: object[];
  headpose: { matrix: number[] };
  segmentation: { width: number; height: number; runs: number[] };
}

interface Saved {
  adapter: { software: boolean };
  weights: { seed: number; untrained: boolean };
  pictures: { width: number; height: number; faces: SavedFace[]; timings: object }[];
}

/** PyTorch wrote it down, but the network has no such tensor: what is upscaled lives and dies in the threads that parse. */
const ABSENT = 'tap.upscaled';

/** What a report says of both forms, and of the paper's alone. */
const ROWS = ['box', 'head pose', 'age', 'gender', 'race', 'attributes', 'visibility', 'landmarks', 'parsing', 'time'];
const PAPER_ROWS = ['expression', 'recognition'];

/** Runs the command on a fixture's picture, and holds what it gives to the fixture. Options with `--taps` are those of a fixture that has taps. */
export function holdToPyTorch(name: FixtureName, ...options: string[]): void {
  describe(`${name} ${options.join(' ')}`, () => {
    const truth = fixture(name);
    const names = truth.names.filter((one) => one !== ABSENT);
    let said: { code: number; out: string; err: string };
    let raw: Map<string, Tensor>;
    let saved: Saved;

    beforeAll(async () => {
      const files = ['--raw', file('raw.safetensors'), '--json', file('all.json'), '--draw', file('drawn.png')];
      said = await facexformer(
        'analyze',
        truth.picture,
        '--weights',
        `seeded:${truth.seed}`,
        ...boxOption(truth),
        ...options,
        ...files,
        ...whereOptions,
      );
      if (said.code !== 0) throw new Error(said.err);
      raw = readTensors(file('raw.safetensors')).tensors;
      saved = JSON.parse(readFileSync(file('all.json'), 'utf8'));
    });

    const tensor = (name: string): Tensor => {
      const found = raw.get(name);
      if (!found) throw new Error(`--raw has no ${name}`);
      return found;
    };

    it('gives every tensor of the fixture, and no other', () => {
      // The paper form's network is the released one up to its heads, with the same taps, of which PyTorch wrote down the last.
      const shared = truth.form === 'paper' ? fixture('astronaut-face').names.filter((one) => one !== ABSENT) : [];
      expect([...raw.keys()].sort()).toEqual([...new Set([...names, ...shared])].sort());
    });

    it.for(names.filter((one) => /^(output|tap)\./.test(one)))('%s is PyTorch’s', (name) => {
      const far = distance(tensor(name), truth.expected(name));
      console.log(`${name} ${far.toExponential(1)}`);
      expect(far).toBeLessThanOrEqual(NMSE);
    });

    it.for(['resized', 'pixels'])('%s is PyTorch’s bit for bit', (name) => {
      const { shape, values, step } = truth.expected(name);
      const { shape: given, data } = tensor(name);
      expect(given).toEqual(shape);
      expect(Buffer.compare(bytesOf(thin(data, step)), bytesOf(values))).toBe(0);
    });

    it('parses at least 99.99 % of the pixels as PyTorch does, in the logits and in the result', () => {
      const { shape, data } = tensor('output.segmentation');
      const runs = saved.pictures[0]?.faces[0]?.segmentation;
      for (const mask of [argmax({ shape, values: data }), runs ? classesOf(runs) : new Uint8Array()]) {
        expect(mask.length).toBe(truth.mask.length);
        const differing = mask.filter((one, i) => one !== truth.mask[i]).length;
        console.log(`${differing} of ${mask.length} pixels`);
        expect(differing / mask.length).toBeLessThanOrEqual(1e-4);
      }
    });

    it.runIf(truth.form === 'paper')('gives an embedding of length 1, and of the pose numbers a rotation', () => {
      expect(Math.abs(Math.hypot(...tensor('output.recognition').data) - 1)).toBeLessThanOrEqual(1e-6);
      const m = saved.pictures[0]?.faces[0]?.headpose.matrix ?? [];
      expect(m.length).toBe(9);
      for (let i = 0; i < 9; i++) {
        const [row, other] = [Math.floor(i / 3), i % 3].map((at) => m.slice(3 * at, 3 * at + 3)) as [number[], number[]];
        const product = row.reduce((sum, value, k) => sum + value * (other[k] as number), 0);
        expect(Math.abs(product - (i % 4 === 0 ? 1 : 0))).toBeLessThanOrEqual(1e-6);
      }
    });

    it('says what it ran with, and draws on the picture', () => {
      expect(said.out).toContain(`Weights: seeded ${truth.seed}, UNTRAINED`);
      expect(said.out).toMatch(/^Runs on: /m);
      for (const row of truth.form === 'paper' ? [...ROWS, ...PAPER_ROWS] : ROWS)
        expect(said.out).toMatch(new RegExp(`^  ${row} +\\S`, 'm'));
      expect(saved.weights).toMatchObject({ seed: truth.seed, untrained: true });
      expect(saved.pictures).toMatchObject([{ width: 512, height: 512 }]);
      expect(saved.pictures[0]?.faces[0]?.landmarks.length).toBe(68);
      const before = PNG.sync.read(readFileSync(portrait));
      const after = PNG.sync.read(readFileSync(file('drawn.png')));
      expect([after.width, after.height]).toEqual([512, 512]);
      const { x0, y0, x1, y1 } = truth.box;
      const share = (inside: boolean) => {
        let changed = 0;
        let seen = 0;
        for (let i = 0; i < 512 * 512; i++) {
          const [x, y] = [i % 512, Math.floor(i / 512)];
          if ((x >= x0 && x < x1 && y >= y0 && y < y1) !== inside) continue;
          seen++;
          if (before.data.subarray(4 * i, 4 * i + 3).compare(after.data.subarray(4 * i, 4 * i + 3)) !== 0) changed++;
        }
        return changed / seen;
      };
      expect(share(true)).toBeGreaterThan(0.5);
      expect(share(false)).toBeLessThan(0.5);
    });
  });
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);
