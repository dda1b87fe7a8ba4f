/** Each benchmark on a small set in the layout in which the set comes, with an engine that says what a picture's colour means: the table is known beforehand. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnyBenchmark, Row } from '../../../cli/evaluate/benchmark.ts';
import { BENCHMARKS } from '../../../cli/evaluate/benchmarks.ts';
import { anglesOf } from '../../../cli/evaluate/headpose.ts';
import { readPairs } from '../../../cli/evaluate/pairs.ts';
import { outcomeOf, readLines, tableLines } from '../../../cli/evaluate/run.ts';
import { chosen } from '../../../cli/evaluate.ts';
import { ATTRIBUTES, EXPRESSIONS, GENDERS, PARSING, RACES } from '../../../src/face/labels.ts';
import type { Face } from '../../../src/face/results.ts';
import { SEGFACE_CLASSES } from '../../../src/segface/index.ts';
import { root } from '../../../tools/root.ts';
import { evaluated } from './fake.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evaluate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: string[]) => join(folder, ...names);

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}

/** A picture of one colour. */
function png([r, g, b]: readonly [number, number, number], side = 20): Buffer {
  const made = new PNG({ width: side, height: side });
  for (let i = 0; i < side * side; i++) made.data.set([r, g, b, 255], 4 * i);
  return PNG.sync.write(made);
}

/** A MATLAB file without its compression. */
const plain = (bytes: Buffer): Buffer => {
  const parts = [bytes.subarray(0, 128)];
  for (let at = 128; at < bytes.length; at += 8 + bytes.readUInt32LE(at + 4))
    parts.push(inflateSync(bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at + 4))));
  return Buffer.concat(parts);
};

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const named = (task: string, set: string) => BENCHMARKS.find((one) => one.task === task && one.set === set) as AnyBenchmark;
const valueIn = (rows: readonly Row[], name: string) => rows.find((row) => row.name === name)?.value;

const one = (label: string) => ({ label, probability: 1, probabilities: {} }) as never;

describe('face parsing', () => {
  it('CelebAMask-HQ: F1 over all pixels, sides as the picture has them', async () => {
    for (const id of [0, 1, 2]) write(`mask/CelebA-HQ-img/${id}.jpg`, png([id, 0, 0]));
    const mask = (part: string, rows: readonly [number, number]) => {
      const made = new PNG({ width: 4, height: 4 });
      for (let i = 0; i < 16; i++)
        made.data.set(Math.floor(i / 4) >= rows[0] && Math.floor(i / 4) < rows[1] ? [255, 255, 255, 255] : [0, 0, 0, 255], 4 * i);
      return [part, PNG.sync.write(made)] as const;
    };
    for (const id of ['00000', '00001'])
      for (const [part, bytes] of [mask('skin', [0, 4]), mask('l_eye', [1, 2]), mask('hat', [0, 1])])
        write(`mask/CelebAMask-HQ-mask-anno/0/${id}_${part}.png`, bytes);
    // Two rows of four are right: 0 is hat, which is background; 1 the person's left eye, on the picture's right; 2 and 3 skin.
    const labels = PARSING.map(({ name }) => name);
    const classes = Uint8Array.from([0, 0, 5, 5, 1, 1, 1, 1].flatMap((index) => [index, index]));
    const given = { width: 4, height: 4, labels, classes, palette: [] };
    const { rows, failed } = await evaluated(named('segmentation', 'CelebAMask-HQ'), at('mask'), () => ({ segmentation: given }));
    expect(failed).toEqual([{ name: '2.jpg', why: expect.stringContaining('There is no mask') }]);
    for (const [label, f1] of [
      ['background', 100],
      ['skin', 100],
      ['right eye', 100],
      ['left eye', 0],
    ] as const)
      expect(valueIn(rows, `F1 ${label}`), label).toBe(f1);
    expect(valueIn(rows, 'mean F1')).toBe(20); // 2 of 10 classes
    expect(rows.find(({ name }) => name === 'mean F1')?.paper).toBe(92.01);
    // Of SegFace all is right: that eye is the picture's right one to it, too, and has the number that the files' left one has.
    const nineteen = SEGFACE_CLASSES.map(({ name }) => name);
    const parsed = { ...given, labels: nineteen, classes: Uint8Array.from([16, 8, 2, 2].flatMap((index) => [index, index, index, index])) };
    const { rows: ofSegFace } = await evaluated(named('segmentation', 'CelebAMask-HQ'), at('mask'), () => ({
      segmentation: parsed as never,
    }));
    expect(['skin', 'left eye', 'right eye', 'hat', 'neck'].map((label) => valueIn(ofSegFace, `F1 ${label}`))).toEqual([
      100, 0, 100, 100, 0,
    ]);
    expect(ofSegFace.find(({ name }) => name === 'mean F1')).toMatchObject({ value: expect.closeTo(300 / 18, 9), paper: 88.96 });
    // Where parts overlap, SegFace's authors let glasses cover eyes, and the set's own script eyes glasses.
    write('worn/CelebA-HQ-img/0.jpg', png([0, 0, 0]));
    for (const [part, bytes] of [mask('skin', [0, 4]), mask('l_eye', [0, 2]), mask('eye_g', [0, 2])])
      write(`worn/CelebAMask-HQ-mask-anno/0/00000_${part}.png`, bytes);
    const worn = { ...given, labels: nineteen, classes: Uint8Array.from([15, 15, 2, 2].flatMap((index) => [index, index, index, index])) };
    const { rows: ofWorn } = await evaluated(named('segmentation', 'CelebAMask-HQ'), at('worn'), () => ({ segmentation: worn as never }));
    expect(['skin', 'right eye', 'glasses'].map((label) => valueIn(ofWorn, `F1 ${label}`))).toEqual([100, 0, 100]);
    const eyes = { ...given, classes: Uint8Array.from([5, 5, 1, 1].flatMap((index) => [index, index, index, index])) };
    const { rows: ofEyes } = await evaluated(named('segmentation', 'CelebAMask-HQ'), at('worn'), () => ({ segmentation: eyes }));
    expect(valueIn(ofEyes, 'F1 right eye')).toBe(100);
    for (const name of ['10.jpg', '10 (copy).jpg', 'x.jpg', 'notes.txt']) write(`mask/CelebA-HQ-img/${name}`, '');
    write('mask/list_eval_partition.txt', '000011.jpg 0\n000021.jpg 2\n');
    const { samples, wrong, notes } = named('segmentation', 'CelebAMask-HQ').read(at('mask'), 9);
    expect(samples.map(({ name }) => name)).toEqual(['0.jpg', '1.jpg', '2.jpg', '10.jpg']);
    expect(wrong).toEqual(['10 (copy).jpg has no number', 'x.jpg has no number'].map((says) => expect.stringContaining(says)));
    expect(notes).toEqual([expect.stringContaining('every picture')]);
    write('mask/CelebA-HQ-to-CelebA-mapping.txt', 'idx orig_idx orig_file\n0 10 000011.jpg\n1 20 000021.jpg\n');
    const split = named('segmentation', 'CelebAMask-HQ').read(at('mask'), 9);
    expect(split.samples.map(({ name }) => name)).toEqual(['1.jpg']);
    expect(split.wrong).toHaveLength(4);
    expect(split.wrong).toContainEqual(expect.stringContaining('10.jpg has no original in CelebA'));
    for (const line of ['2 30', 'two 20 000021.jpg', '2 30 000031.jpg', '2 20 000021.jpg 2']) {
      write('mask/CelebA-HQ-to-CelebA-mapping.txt', `idx orig_idx orig_file\n1 20 000021.jpg\n${line}\n`);
      expect(() => named('segmentation', 'CelebAMask-HQ').read(at('mask'), 9)).toThrow(`mapping.txt: ${line} is not a number`);
    }
    write('mask/CelebA-HQ-to-CelebA-mapping.txt', 'idx orig_idx orig_file\n1 20 000021.jpg\n01 10 000011.jpg\n');
    expect(() => named('segmentation', 'CelebAMask-HQ').read(at('mask'), 9)).toThrow('mapping.txt: 1 is there twice');
  });
});

const pts = (points: readonly (readonly [number, number])[]) =>
  `version: 1\nn_points:  ${points.length}\n{\n${points.map(([x, y]) => `${x} ${y}`).join('\n')}\n}\n`;
/** 68 points whose eyes' outer corners are 10 apart, counted from 1. */
const shape = Array.from({ length: 68 }, (_, i): readonly [number, number] =>
  i === 36 ? [6, 8] : i === 45 ? [16, 8] : [6 + (i % 10), 5 + (i % 7)],
);

describe('landmarks', () => {
  const found = (off: number): Partial<Face> => ({ landmarks: shape.map(([x, y]) => ({ x: x - 1 + off, y: y - 1 })) });

  it('300W: errors in parts of the distance of the eyes, full, common and challenge', async () => {
    for (const [part, name, off] of [
      ['helen/testset', 'a', 0],
      ['lfpw/testset', 'b', 2],
      ['ibug', 'c', 6],
    ] as const) {
      write(`300w/${part}/${name}.png`, png([off, 0, 0]));
      write(`300w/${part}/${name}.pts`, pts(shape));
    }
    for (const name of ['few', 'flat', 'nan', 'none', 'three', 'word']) write(`300w/ibug/${name}.png`, png([0, 0, 0]));
    write('300w/ibug/few.pts', pts(shape.slice(1)));
    write('300w/ibug/flat.pts', pts(shape.map(() => [9, 9])));
    write('300w/ibug/nan.pts', pts(shape).replace('}', '\t 6  -\n}'));
    write('300w/ibug/three.pts', pts(shape).replace('\n6 5\n', '\n6 5 3\n'));
    write('300w/ibug/word.pts', pts(shape).replace('\n6 5\n', '\n6 5 or so\n'));
    const { rows, listing } = await evaluated(named('landmarks', '300W'), at('300w'), ([off]) => found(off), { shift: true });
    const close = (value: number) => expect.closeTo(value, 9);
    expect(rows).toEqual([
      { name: 'NME full', value: close(80 / 3), unit: '% of the inter-ocular distance', paper: 3.05 },
      { name: 'NME common', value: close(10), unit: '% of the inter-ocular distance', paper: 2.66 },
      { name: 'NME challenge', value: close(60), unit: '% of the inter-ocular distance', paper: 4.67 },
      { name: 'area under the curve to 8 %', value: close(100 / 3), unit: '%' },
      { name: 'failures, above 8 %', value: close(200 / 3), unit: '%' },
    ]);
    const first = await evaluated(named('landmarks', '300W'), at('300w'), ([off]) => found(off), { shift: true, limit: 1 });
    expect(first.rows.map(({ value }) => value)).toEqual([0, 0, 100, 0].map(close)); // nothing is said of a challenge without a picture
    expect(listing.wrong).toEqual([
      expect.stringMatching(/few.pts has 67 points; they must be 68/),
      expect.stringMatching(/flat.pts has both outer corners of the eyes at one place/),
      expect.stringMatching(/nan.pts has a line .*6 {2}-; it must be two numbers/),
      expect.stringMatching(/there is no .*none.pts/),
      expect.stringMatching(/three.pts has a line 6 5 3;/),
      expect.stringMatching(/word.pts has a line 6 5 or so;/),
    ]);
    // Files of points count pixels from 1, and the box goes round whole pixels.
    const label = shape.map(([x, y]) => ({ x: x - 1, y: y - 1 }));
    expect(listing.samples[0]).toMatchObject({ label, place: { x0: 5, y0: 4, x1: 16, y1: 11 } });
    rmSync(at('300w/ibug'), { recursive: true });
    expect(() => named('landmarks', '300W').read(at('300w'), 9)).toThrow(/has no ibug/);
  });

  it.skipIf(process.env['CI'] !== 'true' && spawnSync('ffmpeg', ['-version']).status !== 0)(
    '300VW: frames of videos, by their category',
    async () => {
      for (const [id, off] of [
        ['114', 1],
        ['203', 3],
      ] as const) {
        for (const i of [1, 2, 3, 4]) write(`300vw/${id}/frames/${i}.png`, png([off, i, 0], 32));
        const clip = [
          '-framerate',
          '25',
          '-i',
          at(`300vw/${id}/frames/%d.png`),
          '-c:v',
          'ffv1',
          '-pix_fmt',
          'bgr0',
          at(`300vw/${id}/vid.avi`),
        ];
        expect(spawnSync('ffmpeg', ['-v', 'error', ...clip]).status).toBe(0);
        for (const i of ['1', '2', '4', '2 (copy)']) write(`300vw/${id}/annot/00000${i}.pts`, pts(shape));
      }
      const { rows, pictures, listing } = await evaluated(named('landmarks', '300VW'), at('300vw'), ([off]) => found(off), { shift: true });
      expect(pictures).toBe(6);
      const copies = ['114', '203'].map((id) =>
        expect.stringContaining(`${id}/annot/000002 (copy).pts is not named by the number of a frame`),
      );
      expect(listing.wrong).toEqual(copies);
      expect(rows.map(({ paper }) => paper)).toEqual([3.9, 3.58]);
      expect(valueIn(rows, 'NME category A')).toBeCloseTo(10, 9);
      expect(valueIn(rows, 'NME category B')).toBeCloseTo(30, 9);
      expect(valueIn(rows, 'NME category C')).toBeUndefined();
    },
  );
});

it.skipIf(process.env['CI'] !== 'true' && spawnSync('ffmpeg', ['-version']).status !== 0)(
  '300VW: a video of which no more frames are wanted keeps no process from its end',
  async () => {
    for (const id of ['114', '124']) {
      write(`longer/${id}/annot/000001.pts`, pts(shape));
      const clip = ['-f', 'lavfi', '-i', 'testsrc=size=640x480:rate=25:duration=2', at(`longer/${id}/vid.avi`)];
      expect(spawnSync('ffmpeg', ['-v', 'error', ...clip]).status).toBe(0);
    }
    const script = `import { load } from ${JSON.stringify(join(root, 'tools/load.mjs'))};
      const { vw300 } = await load('cli/evaluate/landmarks.ts');
      const listing = vw300.read(${JSON.stringify(at('longer'))}, 9);
      for (const { read } of listing.samples) console.log((await read()).width);
      listing.close?.();`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000, encoding: 'utf8' });
    expect([stdout, status]).toEqual(['640\n640\n', 0]);
  },
);

describe('head pose', () => {
  it('BIWI: degrees, as Hopenet reads the matrix; a frame without a face is left out', async () => {
    const [pitch, yaw, roll] = [10, -20, -30].map((degrees) => (degrees * Math.PI) / 180) as [number, number, number];
    const [a, b, c, d, e, f] = [Math.sin(pitch), Math.cos(pitch), Math.sin(yaw), Math.cos(yaw), Math.sin(roll), Math.cos(roll)];
    const turned = [
      [f * d, e * d, -c],
      [f * c * a - e * b, e * c * a + f * b, d * a],
      [f * c * b + e * a, e * c * b - f * a, d * b],
    ];
    const pose = `${turned.map((row) => row.join('  ')).join(' \n')} \n\n10 20 900\n`;
    for (const i of [3, 4, 5, 6, 7, 8, 9]) write(`biwi/hpdb/01/frame_0000${i}_rgb.png`, png([i === 5 ? 255 : i, 0, 0]));
    const poses = { 3: pose, 5: pose, 6: '1 0 0\n0 1 0\n', 7: '1 0\n0 1\n0 0\n', 8: '1 0 0\n0 x 0\n0 0 1\n', 9: '1 0 0\n0 1 0\n0 0 0\n' };
    for (const [i, text] of Object.entries(poses)) write(`biwi/hpdb/01/frame_0000${i}_pose.txt`, text);
    write('biwi/hpdb/02.tgz', '');
    const label = anglesOf(at('biwi/hpdb/01/frame_00003_pose.txt'));
    expect(label).toMatchObject({ pitch: expect.closeTo(10, 9), yaw: expect.closeTo(20, 9), roll: expect.closeTo(30, 9) });
    const { rows, listing, failed } = await evaluated(named('headpose', 'BIWI'), at('biwi'), () => ({
      headpose: { pitch: 13, yaw: 26, roll: 28.5 } as never,
    }));
    expect(rows.map(({ value }) => value)).toEqual([3, 6, 1.5, 3.5].map((value) => expect.closeTo(value, 9)));
    expect(rows.map(({ paper }) => paper)).toEqual([3.97, 3.91, 2.67, 3.52]);
    const wrong = ['there is no .*_00004_', ...[6, 7, 8, 9].map((i) => `_0000${i}_pose.txt has no rotation matrix`)];
    expect(listing.wrong).toEqual(wrong.map((why) => expect.stringMatching(why)));
    expect(failed).toEqual([{ name: '01/frame_00005_rgb.png', why: expect.stringContaining('MTCNN finds no face') }]);
  });
});

it('names in capitals, cells in quotes, and the mark that some editors begin files with, are read as others', () => {
  const pose = '\uFEFF1 0 0\r\n0 1 0\r\n0 0 1\r\n\r\n10 20 900\r\n';
  write('BIWI/hpdb/01/FRAME_00003_RGB.PNG', png([1, 0, 0]));
  write('BIWI/hpdb/01/FRAME_00003_POSE.TXT', pose);
  const biwi = named('headpose', 'BIWI').read(at('BIWI'), 9);
  expect(biwi.wrong).toEqual([]);
  expect(biwi.samples).toMatchObject([{ name: '01/FRAME_00003_RGB.PNG', label: anglesOf(at('BIWI/hpdb/01/FRAME_00003_POSE.TXT')) }]);
  for (const part of ['helen/testset', 'lfpw/testset', 'ibug']) {
    write(`300W/${part}/A.JPG`, png([1, 0, 0]));
    write(`300W/${part}/A.PTS`, `\uFEFF${pts(shape)}`);
  }
  expect(named('landmarks', '300W').read(at('300W'), 9)).toMatchObject({ wrong: [], samples: [{ name: 'helen/testset/A.JPG' }, {}, {}] });
  write('marked/fairface_label_val.csv', '\uFEFFfile,age,gender,race\r\nval/1.jpg,3-9,Male,Indian\r\n');
  expect(named('race', 'FairFace').read(at('marked'), 9).samples).toMatchObject([{ name: 'val/1.jpg', label: { race: 'Indian' } }]);
  write('marked/fairface_label_val.csv', '"file","age","gender","race"\r\n"val/1.jpg","3-9","Male","East Asian"\r\n');
  expect(named('race', 'FairFace').read(at('marked'), 9).samples).toMatchObject([{ name: 'val/1.jpg', label: { race: 'Asian' } }]);
  write('marked/EmoLabel/list_patition_label.txt', '\uFEFFtest_0001.jpg 1\r\n');
  write('marked/Image/aligned/test_0001_aligned.jpg', png([1, 0, 0]));
  expect(named('expression', 'RAF-DB').read(at('marked'), 9)).toMatchObject({ wrong: [], samples: [{ label: EXPRESSIONS[0] }] });
  write('marked/pairs.txt', `\uFEFF${'Ann 1 2\r\n'.repeat(5)}${'Ann 1 Ann 2\r\n'.repeat(5)}`);
  expect(named('recognition', 'LFW-pairs').read(at('marked'), 10).samples).toMatchObject([{ name: 'Ann/Ann_0001.jpg' }, {}]);
});

describe('attributes and gender', () => {
  const attributes = (all: boolean) =>
    Object.fromEntries(ATTRIBUTES.map((name) => [name, { value: all, probability: Number(all) }])) as NonNullable<Face['attributes']>;

  it('CelebA: the test split, the mean of forty', async () => {
    const line = (name: string, of: (i: number) => boolean) => `${name}  ${ATTRIBUTES.map((_, i) => (of(i) ? ' 1' : '-1')).join(' ')}`;
    const lines = [
      line('1.jpg', () => true),
      line('2.jpg', (i) => i !== 20),
      line('3.jpg', () => false),
      `4.jpg 0${' 1'.repeat(39)}`,
      `6.jpg${' 1'.repeat(41)}`,
      line('5.jpg', () => true),
      line('l.jpg', () => true),
    ];
    write('celeba/Anno/list_attr_celeba.txt', `5\n${ATTRIBUTES.join(' ')}\n${lines.join('\n')}\n`);
    write('celeba/Eval/list_eval_partition.txt', '1.jpg 2\n2.jpg 2\n3.jpg 0\n4.jpg 2\n5.jpg 2\n6.jpg 2\n');
    for (const i of [1, 2, 3]) write(`celeba/Img/img_align_celeba/${i}.jpg`, png([i, 0, 0]));
    const { rows, pictures, failed, listing } = await evaluated(named('attributes', 'CelebA'), at('celeba'), () => ({
      attributes: attributes(true),
    }));
    expect(pictures).toBe(2);
    expect(valueIn(rows, 'accuracy Male')).toBe(50);
    expect(valueIn(rows, 'mean accuracy')).toBeCloseTo(100 * (79 / 80), 9);
    expect(failed).toEqual([{ name: '5.jpg', why: expect.stringContaining('There is no file') }]);
    expect(listing.wrong).toEqual([
      expect.stringContaining('4.jpg has 40 labels, 39 of them 1 or -1; they must be 40'),
      expect.stringContaining('6.jpg has 41 labels, 41 of them 1 or -1; they must be 40'),
      expect.stringContaining('l.jpg is in no split'),
    ]);
    const gender = await evaluated(named('gender', 'CelebA'), at('celeba'), ([red]) => ({ gender: one(red === 1 ? 'male' : 'female') }));
    expect(valueIn(gender.rows, 'accuracy')).toBe(100);
    for (const line of ['7.jpg', '7.jpg x', '7.jpg 3', '7.jpg 2 2']) {
      write('celeba/Eval/list_eval_partition.txt', `1.jpg 2\n${line}\n`);
      expect(() => named('gender', 'CelebA').read(at('celeba'), 9)).toThrow(`partition.txt: ${line} is not a picture and the number`);
    }
    write('celeba/Eval/list_eval_partition.txt', '1.jpg 2\n2.jpg 2\n1.jpg 0\n');
    expect(() => named('gender', 'CelebA').read(at('celeba'), 9)).toThrow('partition.txt: 1.jpg is there twice');
    write('celeba/Eval/list_eval_partition.txt', '1.jpg 2\n');
    write('celeba/Anno/list_attr_celeba.txt', '1\nMale Beautiful\n1.jpg 1 1\n');
    expect(() => named('attributes', 'CelebA').read(at('celeba'), 9)).toThrow(
      /celeba.txt has an attribute Beautiful, which CelebA does not/,
    );
    write('celeba/Anno/list_attr_celeba.txt', '1\nMale Young Male\n1.jpg 1 1 -1\n');
    expect(() => named('gender', 'CelebA').read(at('celeba'), 9)).toThrow('celeba.txt: Male is there twice');
    write('celeba/Anno/list_attr_celeba.txt', '1\nSmiling Young\n1.jpg 1 1\n');
    expect(named('attributes', 'CelebA').read(at('celeba'), 9).samples).toHaveLength(1);
    expect(() => named('gender', 'CelebA').read(at('celeba'), 9)).toThrow(/has no attribute Male/);
  });

  it('CelebA as Kaggle has it: tables of commas, pictures a folder deeper', async () => {
    const line = (name: string, of: (i: number) => boolean) => [name, ...ATTRIBUTES.map((_, i) => (of(i) ? '1' : '-1'))].join();
    const lines = [line('1.jpg', () => true), line('2.jpg', (i) => i !== 20), line('3.jpg', () => false), '4.jpg,1,1,0'];
    write('kaggle/list_attr_celeba.csv', `\uFEFFimage_id,${ATTRIBUTES.join()}\r\n${lines.join('\r\n')}\r\n`);
    write('kaggle/list_eval_partition.csv', '"image_id","partition"\n"1.jpg","2"\n2.jpg,2\n3.jpg,0\n4.jpg,2\n');
    write('kaggle/list_landmarks_align_celeba.csv', 'image_id,lefteye_x\n1.jpg,69\n');
    for (const i of [1, 2, 3]) write(`kaggle/img_align_celeba/img_align_celeba/${i}.jpg`, png([i, 0, 0]));
    const celebA = chosen('attributes', at('kaggle'), undefined);
    const { rows, pictures, failed, listing } = await evaluated(celebA, at('kaggle'), () => ({ attributes: attributes(true) }));
    expect([celebA.set, pictures, failed]).toEqual(['CelebA', 2, []]);
    expect(valueIn(rows, 'accuracy Male')).toBe(50);
    expect(valueIn(rows, 'mean accuracy')).toBeCloseTo(100 * (79 / 80), 9);
    expect(listing.wrong).toEqual([expect.stringContaining('4.jpg has 3 labels, 2 of them 1 or -1; they must be 40')]);
    rmSync(at('kaggle/list_eval_partition.csv'));
    expect(() => celebA.read(at('kaggle'), 9)).toThrow(/has no list_eval_partition.txt, .* and no list_eval_partition.csv/);
  });

  it('LFWA: labels of a MATLAB file, which SciPy wrote', async () => {
    write('lfwa/lfw_att_40.mat', fixture('lfw_att_40.mat'));
    for (const name of ['Ann_A', 'Bob_B']) write(`lfwa/lfw/${name}/${name}_0001.jpg`, png([1, 0, 0]));
    const { rows, pictures } = await evaluated(named('attributes', 'LFWA'), at('lfwa'), () => ({ attributes: attributes(false) }));
    expect(pictures).toBe(2);
    expect(valueIn(rows, 'accuracy Male')).toBe(50);
    expect(valueIn(rows, 'accuracy 5_o_Clock_Shadow')).toBe(100);
    expect(valueIn(rows, 'mean accuracy')).toBe(75);
    write('lfwa/indices_train_test.mat', fixture('indices_train_test.mat'));
    expect(
      named('gender', 'LFWA')
        .read(at('lfwa'), 9)
        .samples.map(({ name }) => name),
    ).toEqual(['Bob_B/Bob_B_0001.jpg']);
    const labels = plain(fixture('lfw_att_40.mat'));
    labels.write('Mole', labels.indexOf('Male'));
    labels.writeDoubleLE(0.5, labels.indexOf(Buffer.from(Float64Array.of(1, 0, 0, 0).buffer)));
    write('odd/lfw_att_40.mat', labels);
    for (const name of ['Ann_A', 'Bob_B']) write(`odd/lfw/${name}/${name}_0001.jpg`, png([1, 0, 0]));
    const odd = named('attributes', 'LFWA').read(at('odd'), 9);
    expect([odd.samples.length, odd.wrong]).toEqual([1, [expect.stringContaining('Ann_A_0001.jpg has labels other than 1')]]);
    expect(odd.notes?.at(-1)).toMatch(/CelebA does not have, and nobody is asked for: Mole$/);
    const double = plain(fixture('lfw_att_40.mat'));
    double.write('Male'.padEnd(16), double.indexOf('5 o Clock Shadow'));
    write('odd/lfw_att_40.mat', double);
    expect(() => named('gender', 'LFWA').read(at('odd'), 9)).toThrow('lfw_att_40.mat: Male is there twice');
    write('lfwa/lfw_att_40.mat', fixture('indices_train_test.mat'));
    expect(() => named('gender', 'LFWA').read(at('lfwa'), 9)).toThrow(/has no AttrName, name and label that belong together/);
    const whole = fixture('lfw_att_40.mat');
    for (let length = 128; length < whole.length; length++) {
      write('lfwa/lfw_att_40.mat', whole.subarray(0, length));
      expect(() => named('gender', 'LFWA').read(at('lfwa'), 9), `${length} bytes`).toThrow(
        /is damaged: it is cut short|that belong together/,
      );
    }
    write('lfwa/lfw_att_40.mat', Buffer.from(whole).fill('MI', 126, 128));
    expect(() => named('gender', 'LFWA').read(at('lfwa'), 9)).toThrow(/is of a big-endian machine/);
    write('lfwa/lfw_att_40.mat', 'MATLAB 7.3 MAT-file, which is HDF5');
    expect(() => named('gender', 'LFWA').read(at('lfwa'), 9)).toThrow(
      /lfw_att_40.mat is a MATLAB 7.3 file, which is HDF5: docs\/evaluate.md/,
    );
    write('lfwa/lfw_att_40.mat', 'something else');
    expect(() => named('gender', 'LFWA').read(at('lfwa'), 9)).toThrow(/is no MATLAB 5 file/);
  });
});

describe('age, gender, race and expression', () => {
  it('UTKFace: years, and Asian before Indian as the set has them', async () => {
    for (const [name, red] of [
      ['30_0_2_2017.jpg.chip.jpg', 40],
      ['8_1_3_2017.jpg.chip.jpg', 10],
      ['61_1_20170109.jpg.chip.jpg', 0],
    ] as const)
      write(`utk/${name}`, png([red, 0, 0]));
    const age = await evaluated(named('age', 'UTKFace'), at('utk'), ([red]) => ({
      age: { ...(one(red < 20 ? '0-9' : '30-39') as object), years: red } as never,
    }));
    expect(age.rows).toMatchObject([{ name: 'MAE', value: 6, unit: 'years', paper: 4.17 }, { value: 100 }]);
    expect(age.listing.wrong).toEqual([expect.stringContaining('61_1_20170109')]);
    const race = await evaluated(named('race', 'UTKFace'), at('utk'), () => ({ race: one('Asian') }));
    expect(race.rows).toMatchObject([
      { name: 'accuracy Indian', value: 0 },
      { name: 'accuracy Asian', value: 100 },
      { name: 'accuracy', value: 50 },
    ]);
  });

  it('FairFace: groups of age, and seven races as five', async () => {
    const lines = [
      'val/1.jpg,3-9,Male,East Asian,False',
      'val/2.jpg,more than 70,Female,Latino_Hispanic,True',
      'val/3.jpg,20-29,Female,Martian,True',
      'val/3.jpg,150,Female,White,True',
      'val/3.jpg,20-29,None,White,True',
      ',20-29,Female,White,True',
      'val/5.jpg,20-29,Male,White,True,',
      'val/4.jpg,20-29,Male,White,True',
      'val/1.jpg,20-29,Female,White,True',
    ];
    write('fair/fairface_label_val.csv', `file,age,gender,race,service_test\n${lines.join('\n')}\n`);
    for (const i of [1, 2, 4]) write(`fair/val/${i}.jpg`, png([i, 0, 0]));
    const read = named('race', 'FairFace').read(at('fair'), 9);
    expect(read.samples.map(({ label }) => label)).toEqual([
      { years: 5, age: '0-9', gender: GENDERS[0], race: RACES[3] },
      { years: 75, age: '70+', gender: GENDERS[1], race: RACES[4] },
      { years: 25, age: '20-29', gender: GENDERS[0], race: RACES[0] },
    ]);
    expect(read.wrong).toEqual(
      ['Martian', '150', 'None', ': ,20', 'val/5.jpg', 'val/1.jpg is there twice'].map((part) => expect.stringContaining(part)),
    );
    write('fair2/fairface_label_val.csv', 'file,age,gender,race,gender\nval/1.jpg,3-9,Male,White,Female\n');
    expect(() => named('gender', 'FairFace').read(at('fair2'), 9)).toThrow('val.csv: gender is there twice');
    const gender = await evaluated(named('gender', 'FairFace'), at('fair'), () => ({ gender: one('male') }));
    expect(gender.rows.at(-1)).toMatchObject({ name: 'accuracy', paper: 95.22 });
    expect(gender.rows.map(({ name, value }) => [name, value])).toEqual([
      ['accuracy male', 100],
      ['accuracy female', 0],
      ['accuracy', expect.closeTo(200 / 3, 9)],
    ]);
  });

  it('RAF-DB: labels counted from 1', async () => {
    write(
      'raf/basic/EmoLabel/list_patition_label.txt',
      'train_00001.jpg 5\ntest_0001.jpg 1\ntest_0002.jpg 7\ntest_0003.jpg 8\ntest_0001.jpg 1 2\n',
    );
    for (const i of [1, 2]) write(`raf/basic/Image/aligned/test_000${i}_aligned.jpg`, png([i, 0, 0]));
    const { rows, listing } = await evaluated(named('expression', 'RAF-DB'), at('raf'), ([red]) => ({
      expression: one(EXPRESSIONS[red === 1 ? 0 : 1] as string),
    }));
    expect(valueIn(rows, 'accuracy')).toBe(50);
    expect(valueIn(rows, 'accuracy surprise')).toBe(100);
    expect(valueIn(rows, 'accuracy neutral')).toBe(0);
    expect(valueIn(rows, 'mean of the classes')).toBe(50);
    expect(rows.flatMap(({ name, paper }) => (paper === undefined ? [] : [[name, paper]]))).toEqual([['accuracy', 88.24]]);
    expect(listing.wrong).toEqual(['test_0003.jpg 8', 'test_0001.jpg 1 2'].map((line) => expect.stringContaining(line)));
  });
});

describe('verification', () => {
  const embedding = (red: number) => ({ recognition: { embedding: Float32Array.of(Math.cos(red / 40), Math.sin(red / 40)) } });

  /** The same lists as Python 2 wrote them: bytes are its texts. */
  function asPython2(file: string): Buffer {
    const { pictures, same } = readPairs(file);
    const texts = pictures.map((bytes) => {
      const start = Buffer.alloc(5);
      start.write('T');
      start.writeUInt32LE(bytes.length, 1);
      return Buffer.concat([start, bytes]);
    });
    const list = (...items: readonly Uint8Array[]) => Buffer.concat([Buffer.from(']('), ...items, Buffer.from('e')]);
    const flags = same.map((one) => Buffer.from([one ? 0x88 : 0x89]));
    return Buffer.concat([Buffer.from([0x80, 2]), list(...texts), list(...flags), Buffer.from([0x86, 0x2e])]);
  }

  it.each(['Python 3', 'Python 2'])('InsightFace’s pairs, as %s pickles them', async (python) => {
    write('three/lfw.bin', fixture('lfw.bin'));
    write('two/lfw.bin', asPython2(at('three/lfw.bin')));
    const set = at(python === 'Python 2' ? 'two' : 'three');
    const { rows, pictures } = await evaluated(named('recognition', 'LFW'), set, ([red]) => embedding(red));
    expect(pictures).toBe(40);
    expect(rows[0]).toMatchObject({ name: 'accuracy, 20 pairs', value: 100, paper: 99.68 });
    const few = await evaluated(named('recognition', 'LFW'), set, ([red]) => embedding(red), { limit: 12 });
    expect([few.rows[0]?.name, few.pictures]).toEqual(['accuracy, 12 pairs', 24]);
    const { rows: blind } = await evaluated(named('recognition', 'LFW'), set, () => embedding(1));
    expect(blind[0]?.value).toBeLessThanOrEqual(50); // some pairs are of one person, others of two
    await expect(evaluated(named('recognition', 'LFW'), set, ([red]) => embedding(red), { limit: 9 })).rejects.toThrow(
      '9 pairs are too few',
    );
  });

  it('the first pairs of a set, which are all of one person, are refused before any picture is looked at: every network would have them right', () => {
    const lines = Array.from({ length: 20 }, (_, i) => (i < 12 ? `P${i}\t1\t2` : `P${i}\t1\tP0\t1`));
    write('same/pairs.txt', `${lines.join('\n')}\n`);
    const read = (limit: number) => named('recognition', 'LFW-pairs').read(at('same'), limit);
    expect(() => read(12)).toThrow('12 pairs are all of one person');
    expect(() => read(9)).toThrow('9 pairs are too few');
    expect(read(13).samples.length).toBe(25);
    write('same/lfw.bin', Buffer.from(`](${'C\x01a'.repeat(24)}e](${'\x89'.repeat(12)}e\x86.`, 'latin1'));
    expect(() => named('recognition', 'LFW').read(at('same'), 99)).toThrow('12 pairs are all of two people');
  });

  it('a pickle that names a class, or ends early, is refused', () => {
    write('bad/lfw.bin', 'cos\nsystem\n(S"true"\ntR.');
    expect(() => readPairs(at('bad/lfw.bin'))).toThrow(/opcode 0x63 at byte 0/);
    write('bad/cut.bin', Buffer.from([0x80, 4, 0x5d, 0x42, 9, 0, 0, 0, 1]));
    expect(() => readPairs(at('bad/cut.bin'))).toThrow(/it ends early/);
    write('bad/lists.bin', Buffer.alloc(8 << 20, ']'));
    expect(() => readPairs(at('bad/lists.bin'))).toThrow(/has more in it/);
    for (const [text, says] of [
      ['](].', /has no two lists/],
      [']\x88\x86.', /has no two lists/],
      [']C\x01aaK\x01a]\x88a\x86.', /first list is not of bytes/],
      [']C\x01aaC\x01aa]\x88a\x88a\x86.', /has 2 pictures for 2 pairs/],
      [']C\x01aaC\x01aa]K\x02a\x86.', /second list is not of true and false/],
    ] as const) {
      write('bad/odd.bin', Buffer.from(text, 'latin1'));
      expect(() => readPairs(at('bad/odd.bin')), text).toThrow(says);
    }
  });

  it('LFW as it comes, by its own list of pairs; a pair of a picture that is not there is left out', async () => {
    const lines = Array.from({ length: 11 }, (_, i) => (i % 2 === 0 ? `P${i}\t1\t2` : `P${i - 1}\t1\tP${i + 1}\t1`));
    write('lfw/pairs.txt', `10\t1\n${lines.join('\n')}\n`);
    for (let i = 0; i <= 10; i += 2) for (const n of [1, 2]) write(`lfw/lfw/P${i}/P${i}_000${n}.jpg`, png([15 * i, 0, 0], 8));
    const { rows } = await evaluated(named('recognition', 'LFW-pairs'), at('lfw'), ([red]) => embedding(red));
    expect(rows[0]).toMatchObject({ name: 'accuracy, 11 pairs', value: 100 });
    const { rows: blind } = await evaluated(named('recognition', 'LFW-pairs'), at('lfw'), () => embedding(1));
    expect(blind[0]?.value).toBeCloseTo(5, 9); // of six pairs of one person and five of two, each fold's others say the opposite
    const first = await evaluated(named('recognition', 'LFW-pairs'), at('lfw'), ([red]) => embedding(red), { limit: 10 });
    expect(first.rows[0]?.name).toBe('accuracy, 10 pairs');
    for (const [lines, says] of [
      ['Ann 1 2\nAnn 1\n', 'pairs.txt, line 2: Ann 1 is no pair'],
      ['Ann 1\nAnn 1 2\n', 'pairs.txt, line 1: Ann 1 is no pair'],
      ['Ann 1 2\nAnn 1 2nd\n', 'pairs.txt, line 2: Ann 1 2nd is no pair'],
      ['Ann 1 2\nAnn 1 Bob B\n', 'pairs.txt, line 2: Ann 1 Bob B is no pair'],
    ] as const) {
      write('odd/pairs.txt', lines);
      expect(() => named('recognition', 'LFW-pairs').read(at('odd'), 9)).toThrow(says);
    }
    rmSync(at('lfw/lfw/P10/P10_0002.jpg'));
    const { rows: without, failed } = await evaluated(named('recognition', 'LFW-pairs'), at('lfw'), ([red]) => embedding(red));
    expect(without[0]?.name).toBe('accuracy, 10 pairs, 1 left out');
    expect(failed.map(({ name }) => name)).toEqual(['P10/P10_0002.jpg']);
  });
});

describe('visibility', () => {
  it('COFW: recall of occluded points at 80 % precision', async () => {
    const numbers = (occluded: (i: number) => boolean) =>
      [...Array(58).fill(10), ...Array.from({ length: 29 }, (_, i) => Number(occluded(i)))].join(' ');
    const none = numbers(() => false);
    const boxes = [
      '4 4 10 10',
      '4,4 10 10',
      '4 4 10 10',
      '4 4 10 10',
      '4 4 0 10',
      '4 4 10 0',
      '4 4 10',
      'x 4 10 10',
      '4',
      '4 4 10 10',
      '4 4 10 10 1',
    ];
    write(
      'cofw/phis_test.txt',
      [numbers((i) => i < 10), none, '1 2 3', none.replace('10', 'x'), ...Array(5).fill(none), none.replace(/0$/, '2'), none].join('\n'),
    );
    write('cofw/bboxes_test.txt', boxes.join('\n'));
    for (const i of [1, 2]) write(`cofw/test/${i}.png`, png([i, 0, 0]));
    // Of ten that are occluded, eight are found first, then two that are none, then the others.
    const visibility = ([red]: readonly number[]) => ({
      visibility: Array.from({ length: 29 }, (_, index) => ({
        index,
        occluded: false,
        probability: red === 2 ? 0 : index < 8 ? 0.9 : index > 26 ? 0.5 : 0.1,
      })),
    });
    const { rows, listing } = await evaluated(named('visibility', 'COFW'), at('cofw'), visibility);
    expect(rows).toMatchObject([{ value: 80, paper: 72.56 }]);
    expect(listing.samples[1]).toMatchObject({ name: '2.png', place: { x0: 3, y0: 3, x1: 13, y1: 13 } });
    expect(listing.wrong).toEqual([
      expect.stringMatching(/phis_test.txt: picture 3 has 3 numbers of 3; they must be 87$/),
      expect.stringMatching(/picture 4 has 86 numbers of 87; they must be 87$/),
      ...[5, 6, 7, 8, 9].map((i) => expect.stringContaining(`picture ${i} has no box`)),
      expect.stringContaining('picture 10 has occlusions other than 0 and 1'),
      expect.stringContaining('picture 11 has no box'),
    ]);
    write('cofw/bboxes_test.txt', boxes.slice(1).join('\n'));
    expect(() => named('visibility', 'COFW').read(at('cofw'), 9)).toThrow(/has 11 lines, and bboxes_test.txt 10/);
  });
});

describe('which benchmark', () => {
  it('is told by the files, or by name', () => {
    const sets = {
      biwi: 'BIWI',
      celeba: 'CelebA',
      cofw: 'COFW',
      fair: 'FairFace',
      kaggle: 'CelebA',
      lfw: 'LFW-pairs',
      lfwa: 'LFWA',
      mask: 'CelebAMask-HQ',
      raf: 'RAF-DB',
      two: 'LFW',
      utk: 'UTKFace',
      '300w': '300W',
    };
    const setsIn = (name: string) => BENCHMARKS.filter(({ found }) => found(at(name))).map(({ set }) => set);
    for (const [name, set] of Object.entries(sets)) expect([...new Set(setsIn(name))], name).toEqual([set]);
    expect(chosen('age', at('utk'), undefined).set).toBe('UTKFace');
    expect(chosen('landmarks', at('utk'), '300w').set).toBe('300W');
    expect(() => chosen('age', at('cofw'), undefined)).toThrow(/no data set that age is judged by:\n {2}UTKFace: /);
    expect(() => chosen('age', at('utk'), 'LFW')).toThrow(/--set is LFW; for age it must be UTKFace or FairFace/);
    expect(() => chosen('age', at('nowhere'), undefined)).toThrow(/There is no folder/);
  });

  it('of a set without a picture that can be used ends with the reason', () => {
    const lines = [{ name: 'a', error: { code: 'BAD_PICTURE', message: 'no file' } }];
    expect(() => outcomeOf(named('age', 'UTKFace'), lines, '', 1)).toThrow(/Not one picture could be used: a: BAD_PICTURE: no file/);
  });

  it('a table has the paper’s number where there is one', () => {
    expect(
      tableLines([
        { name: 'MAE', value: 3.456, unit: '°', paper: 3.52 },
        { name: 'MAE yaw', value: 4, unit: '°' },
      ]),
    ).toEqual(['              here    paper', '  MAE         3.46     3.52  °', '  MAE yaw     4.00        –  °']);
  });
});

it('a run that is killed and gone on with gives the table, and the lines, of one that was not', async () => {
  for (let i = 0; i < 30; i++) write(`killed/${10 + i}_${i % 2}_1_2017.jpg.chip.jpg`, png([i, 7 * i, 0]));
  const run = (out: string, slow: number) => {
    const script = `import { load } from ${JSON.stringify(join(root, 'tools/load.mjs'))};
      const { evaluateAge } = await load('test/cli/evaluate/fake.ts');
      await evaluateAge(${JSON.stringify(at('killed'))}, ${JSON.stringify(at(out))}, ${slow});`;
    return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const exit = (child: ReturnType<typeof run>) =>
    new Promise<string>((resolve) => {
      let said = '';
      child.stdout.on('data', (text) => {
        said += text;
      });
      child.once('close', () => resolve(said));
    });
  const whole = await exit(run('whole.lines', 0));
  for (const _ of [1, 2]) {
    const had = existsSync(at('killed.lines')) ? statSync(at('killed.lines')).size : 0;
    const child = run('killed.lines', 150);
    while (!existsSync(at('killed.lines')) || statSync(at('killed.lines')).size <= had)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await exit(child);
  }
  expect(readFileSync(at('killed.lines'), 'utf8').length).toBeLessThan(readFileSync(at('whole.lines'), 'utf8').length);
  expect(await exit(run('killed.lines', 0))).toBe(whole);
  expect(whole).toMatch(/MAE/);
  expect(readFileSync(at('killed.lines'))).toEqual(readFileSync(at('whole.lines')));
  expect(existsSync(at('killed.lines.progress'))).toBe(false);
  const { samples } = named('age', 'UTKFace').read(at('killed'), Number.POSITIVE_INFINITY);
  const lines = readFileSync(at('whole.lines'), 'utf8');
  for (const changed of [
    lines.slice(0, -9),
    lines.slice(lines.indexOf('\n') + 1),
    lines + lines,
    lines.replace('10_0', '10_1'),
    'null\n',
    '',
  ]) {
    write('changed.lines', changed);
    expect(() => readLines(at('changed.lines'), samples)).toThrow(/changed.lines does not have a line of each picture/);
  }
});
