/** Annotation in bulk with an engine that needs no GPU: what is written, whatever ends the process in between. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classesOf, type Runs } from '../../../cli/annotate/face.ts';
import { maskName } from '../../../cli/annotate/mask.ts';
import { type Row, SCHEMA } from '../../../cli/annotate/row.ts';
import { mustBeOf, writeCoco, writeCsv } from '../../../cli/annotate/tables.ts';
import { framesOf } from '../../../cli/annotate/video.ts';
import { parseShard } from '../../../cli/annotate.ts';
import { root } from '../../../tools/root.ts';
import { annotate, type FakeJob } from './fake.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const files = ['pictures'];

/** A picture whose first pixel says how many faces are in it. */
function picture(name: string, first: readonly [number, number, number], side = 16): void {
  const png = new PNG({ width: side, height: side });
  for (let i = 0; i < side * side; i++) png.data.set([(i * 7) % 200, (i * 13) % 200, (i * name.length) % 256, 255], 4 * i);
  png.data.set([...first, 255], 0);
  writeFileSync(at(name), PNG.sync.write(png));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'annotate-'));
  mkdirSync(at('pictures', 'more'), { recursive: true });
  for (let i = 0; i < 14; i++) picture(`pictures/${String(i).padStart(2, '0')}.png`, [i, 3 * i, i]);
  picture('pictures/more/none.png', [255, 0, 0]);
  picture('pictures/more/green.png', [0, 255, 2]);
  writeFileSync(at('pictures/more/a.heic'), '\0\0\0\x18ftypheic\0\0\0\0');
  writeFileSync(at('pictures/more/b.tif'), 'II*\0\x08\0\0\0');
  writeFileSync(at('pictures/more/c.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(at('pictures/more/cut.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]));
  writeFileSync(at('pictures/more/read me.txt'), 'no list, since it lies in a folder');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In a process of its own, in the test's folder. */
function started(job: FakeJob): ChildProcess {
  const script = `import { load } from ${JSON.stringify(join(root, 'tools/load.mjs'))};
    const { annotate } = await load('test/cli/annotate/fake.ts');
    console.log('begun');
    await annotate(${JSON.stringify(job)});`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
}

const exit = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve));

async function inFolder<Result>(work: () => Promise<Result>): Promise<Result> {
  const was = process.cwd();
  process.chdir(folder);
  try {
    return await work();
  } finally {
    process.chdir(was);
  }
}

const rowsOf = (name: string): Row[] =>
  readFileSync(at(name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** Every file below a folder, with what is in it. */
const contents = (name: string): Record<string, string> =>
  Object.fromEntries(
    (readdirSync(at(name), { recursive: true }) as string[])
      .filter((file) => statSync(at(name, file)).isFile())
      .map((file) => [file, readFileSync(at(name, file), 'base64')]),
  );

describe('lines', () => {
  beforeAll(() => {
    writeFileSync(at('list.txt'), 'pictures/more\nempty.png\n');
    writeFileSync(at('empty.png'), '');
    return inFolder(() => annotate({ files: [...files, 'missing.png', 'pictures', 'list.txt'], out: 'lines.jsonl' }));
  });

  it('are one a file, in the order of the names, and none of them twice', () => {
    const names = rowsOf('lines.jsonl').map((row) => row.picture);
    const numbered = Array.from({ length: 14 }, (_, i) => `pictures/${String(i).padStart(2, '0')}.png`);
    const more = ['a.heic', 'b.tif', 'c.svg', 'cut.jpg', 'green.png', 'none.png'].map((name) => `pictures/more/${name}`);
    expect(names).toEqual([...numbered, ...more, 'missing.png', 'pictures/more', 'empty.png']);
    expect(existsSync(at('lines.jsonl.progress'))).toBe(false);
  });

  it.each([
    ['a.heic', 'HEIC'],
    ['b.tif', 'TIFF'],
    ['c.svg', 'SVG'],
    ['cut.jpg', 'cannot be decoded'],
    ['missing.png', 'There is no file missing.png'],
    ['pictures/more', 'pictures/more is a directory'],
    ['empty.png', 'it has 0 bytes'],
  ])('say of %s that it is %s', (name, said) => {
    const row = rowsOf('lines.jsonl').find(({ picture }) => picture.endsWith(name));
    expect(row).toMatchObject({
      schema: 'facexformer-webgpu/annotation/1',
      error: { code: 'BAD_PICTURE', message: expect.stringContaining(said) },
    });
  });

  it('say of a face that the engine refuses why, and nothing of those beside it', () => {
    const rows = rowsOf('lines.jsonl');
    expect(rows.find(({ picture }) => picture.endsWith('green.png'))?.error?.code).toBe('LIMIT');
    expect(rows.filter(({ error }) => error).length).toBe(8);
    expect(rows.find(({ picture }) => picture.endsWith('none.png'))).toMatchObject({ width: 16, height: 16, faces: [] });
  });

  it('have the faces in picture pixels, with three decimals, and masks as runs', () => {
    const { faces = [] } = rowsOf('lines.jsonl')[6] as Row;
    expect(faces.length).toBe(2);
    expect(faces[1]).toMatchObject({
      box: { x0: 0, y0: 0, x1: 6, y1: 9 },
      source: 'detector',
      score: 0.8,
      detected: { x0: 1, y0: 1, x1: 5, y1: 8 },
    });
    const numbers = JSON.stringify(faces).match(/\d+\.\d+/g) ?? [];
    expect(numbers.every((number) => number.length - number.indexOf('.') <= 4)).toBe(true);
    const mask = faces[0]?.segmentation as Runs;
    expect(mask.labels[1]).toBe('skin');
    expect(classesOf(mask)).toHaveLength(16);
    expect(mask.runs.length % 2).toBe(0);
  });
});

describe('killed twice and gone on with', () => {
  it('the files are those of a run that nothing disturbed, bit for bit', async () => {
    const job = { files, slow: 120 };
    await inFolder(() => annotate({ files, out: 'whole/r.jsonl', masks: 'whole/masks' }));
    for (const after of [1, 1]) {
      const had = existsSync(at('killed/r.jsonl')) ? statSync(at('killed/r.jsonl')).size : 0;
      const child = started({ ...job, out: 'killed/r.jsonl', masks: 'killed/masks', resume: true });
      while (!existsSync(at('killed/r.jsonl')) || statSync(at('killed/r.jsonl')).size <= had)
        await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 40 * after));
      child.kill('SIGKILL');
      await exit(child);
    }
    const halfway = rowsOf('killed/r.jsonl').length;
    expect(halfway).toBeGreaterThan(0);
    expect(halfway).toBeLessThan(20);
    writeFileSync(at('killed/r.jsonl'), '{"half a li', { flag: 'a' }); // as a power cut leaves it
    expect(await exit(started({ ...job, slow: 0, out: 'killed/r.jsonl', masks: 'killed/masks', resume: true }))).toBe(0);
    expect(contents('killed')).toEqual(contents('whole'));
  });

  it('in two shards, one after the other, they are the same', async () => {
    for (const index of [0, 1]) await inFolder(() => annotate({ files, out: `shard-${index}.jsonl`, shard: { index, count: 2 } }));
    await inFolder(() => annotate({ files, out: 'unsharded.jsonl' }));
    expect(rowsOf('shard-0.jsonl').length).toBeGreaterThan(0);
    expect(readFileSync(at('shard-0.jsonl'), 'utf8') + readFileSync(at('shard-1.jsonl'), 'utf8')).toBe(
      readFileSync(at('unsharded.jsonl'), 'utf8'),
    );
  });
});

it('a file that is there is not written over, and one of other work is not gone on with', async () => {
  await inFolder(() => annotate({ files: ['pictures/03.png'], out: 'there.jsonl' }));
  await expect(inFolder(() => annotate({ files: ['pictures/03.png'], out: 'there.jsonl' }))).rejects.toThrow(
    /there.jsonl is there already: --resume/,
  );
  const bytes = readFileSync(at('there.jsonl'));
  writeFileSync(
    at('there.jsonl.progress'),
    JSON.stringify({ job: { files: 'pictures/04.png', shard: '0/1' }, steps: 0, parts: 0, bytes: 0 }),
  );
  await expect(inFolder(() => annotate({ files: ['pictures/03.png'], out: 'there.jsonl', resume: true }))).rejects.toThrow(
    /begun with other files/,
  );
  expect(readFileSync(at('there.jsonl'))).toEqual(bytes);
});

it('masks are PNG files whose indices are the classes, under the pictures’ names', async () => {
  await inFolder(() => annotate({ files: ['pictures/05.png'], out: 'masked.jsonl', masks: 'masks' }));
  await inFolder(() => annotate({ files: ['pictures/05.png'], out: 'unmasked.jsonl' }));
  const [face] = rowsOf('masked.jsonl')[0]?.faces ?? [];
  expect(face?.segmentation).toMatchObject({ file: 'pictures/05.png.0.png', width: 4, height: 4 });
  const check = spawnSync('python3', [
    '-c',
    'import sys; from PIL import Image; print(list(Image.open(sys.argv[1]).getdata()))',
    at('masks/pictures/05.png.0.png'),
  ]);
  const runs = rowsOf('unmasked.jsonl')[0]?.faces?.[0]?.segmentation as Runs;
  if (check.status === 0) expect(JSON.parse(String(check.stdout))).toEqual([...classesOf(runs)]);
  expect(PNG.sync.read(readFileSync(at('masks/pictures/05.png.0.png')))).toMatchObject({ width: 4, height: 4 });
  expect(maskName('/data/../x/./a.jpg', 2)).toBe('data/__/x/a.jpg.2.png');
  const long = [1, 2].map((i) => maskName(`data/${'ü𝒳'.repeat(41)}${i}.jpg`, 0).slice('data/'.length));
  for (const name of long) expect(Buffer.byteLength(name)).toBeLessThan(200);
  expect(new Set(long).size).toBe(2);
});

it('tables and COCO’s JSON have a row a face', async () => {
  await inFolder(() => annotate({ files, out: 'tables.jsonl' }));
  await writeCsv(at('tables.jsonl'), at('t.csv'));
  await writeCoco(at('tables.jsonl'), at('t.json'));
  const rows = rowsOf('tables.jsonl');
  const faces = rows.flatMap((row) => row.faces ?? []);
  const lines = readFileSync(at('t.csv'), 'utf8').trim().split('\n');
  expect(lines.length).toBe(1 + faces.length + rows.filter((row) => (row.faces ?? []).length === 0).length);
  const coco = JSON.parse(readFileSync(at('t.json'), 'utf8'));
  expect(coco.images.length).toBe(rows.filter((row) => row.faces).length);
  expect(coco.annotations.length).toBe(faces.length);
  expect(coco.annotations[0]).toMatchObject({ id: 1, category_id: 1, bbox: [0, 1, 4, 7], area: 28, num_keypoints: 1 });
  expect(new Set(coco.annotations.map(({ image_id }: { image_id: number }) => image_id)).size).toBeGreaterThan(5);
});

it('a name with what ends a line for some, but not in JSON, is in the tables', async () => {
  const name = 'pictures/a\u2028b.png';
  const row: Row = { schema: SCHEMA, picture: name, width: 16, height: 16, faces: [], by: {} };
  writeFileSync(at('odd.jsonl'), `${JSON.stringify(row)}\r\n${JSON.stringify({ ...row, picture: 'b.png' })}`);
  await writeCsv(at('odd.jsonl'), at('odd.csv'));
  const [, ...lines] = readFileSync(at('odd.csv'), 'utf8').trim().split('\n');
  expect(lines.map((line) => line.split(',')[0])).toEqual([name, 'b.png']);
});

const linesOf = (name: string, rows: readonly object[]) => writeFileSync(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

it('a table has a line of each face, of each picture without one, and of each that failed', async () => {
  const face = {
    box: { x0: 1, y0: 2, x1: 3, y1: 4 },
    age: { label: '20-29', years: 25.5 },
    headpose: { pitch: 1, yaw: -2, roll: 0 },
    attributes: { Smiling: { value: true }, Male: { value: false }, Young: { value: true } },
    visibility: [{ occluded: true }, { occluded: false }],
  };
  linesOf('some.jsonl', [
    { schema: SCHEMA, picture: 'a "b",c.png', width: 5, height: 6, faces: [face, { box: face.box, score: 0.5 }] },
    { schema: SCHEMA, picture: 'v.mp4', frame: 3, time: 0.12, width: 5, height: 6, faces: [] },
    { schema: SCHEMA, picture: 'd.png', error: { code: 'BAD_PICTURE', message: 'no' } },
  ]);
  await writeCsv(at('some.jsonl'), at('some.csv'));
  const [head, ...lines] = readFileSync(at('some.csv'), 'utf8').split('\n');
  const columns = head?.split(',') ?? [];
  expect(columns.slice(0, 12).join()).toBe('picture,frame,time,width,height,face,error,x0,y0,x1,y1,score');
  expect(lines.pop()).toBe('');
  /** A line's cells by their columns; those that are empty are left out. */
  const cellsOf = (line: string) => {
    const [, picture, others = ''] = /^("(?:[^"]|"")*"|[^,]*),(.*)$/.exec(line) ?? [];
    const cells = [picture, ...others.split(',')];
    expect(cells).toHaveLength(columns.length);
    return Object.fromEntries(columns.flatMap((name, i) => (cells[i] ? [[name, cells[i]]] : [])));
  };
  const first = { picture: '"a ""b"",c.png"', width: '5', height: '6', x0: '1', y0: '2', x1: '3', y1: '4' };
  const found = { age: '20-29', years: '25.5', pitch: '1', yaw: '-2', roll: '0', attributes: 'Smiling Young', occluded: '1' };
  expect(lines.map(cellsOf)).toEqual([
    { ...first, face: '0', ...found },
    { ...first, face: '1', score: '0.5' },
    { picture: 'v.mp4', frame: '3', time: '0.12', width: '5', height: '6' },
    { picture: 'd.png', error: 'BAD_PICTURE: no' },
  ]);
  writeFileSync(at('other.jsonl'), `${JSON.stringify({ schema: SCHEMA, picture: 'a', faces: [] })}\n{"schema":"x"}\n`);
  await expect(writeCsv(at('other.jsonl'), at('other.csv'))).rejects.toThrow(/Line 2 of .* is no annotation: \{"schema":"x"\}/);
});

it('results that are whole are those of the pictures, the weights and the options that are asked for, or refused', async () => {
  const row = (picture: string, by: unknown = { weights: 'w' }) => ({ schema: SCHEMA, picture, faces: [], by });
  const steps = [[{ name: 'a', video: false }], [{ name: 'v', video: true }], [{ name: 'b', video: false }]];
  const check = (...rows: object[]) => {
    linesOf('whole.jsonl', rows);
    return mustBeOf(at('whole.jsonl'), steps, { weights: 'w' });
  };
  await check(row('a'), row('v'), row('v'), row('b'));
  await expect(check(row('a'), row('v'))).rejects.toThrow(/is whole and has no line of b/);
  await expect(check()).rejects.toThrow(/is whole and has no line of a/);
  await expect(check(row('a'), row('b'))).rejects.toThrow(/other picture \(b, now v\)/);
  await expect(check(row('a'), row('v'), row('b'), row('c'))).rejects.toThrow(/other picture \(c, now none\)/);
  await expect(check(row('a', { weights: 'x' }))).rejects.toThrow(/other weights \(x, now w\)/);
  await expect(check(row('a', null))).rejects.toThrow(/does not say what made its lines/);
});

it('shards are counted from 0', () => {
  expect(parseShard('0/4')).toEqual({ index: 0, count: 4 });
  expect(parseShard('3/4')).toEqual({ index: 3, count: 4 });
  for (const wrong of ['4/4', '1', '-1/4', '0/0', 'a/b', '1/4/2']) expect(() => parseShard(wrong), wrong).toThrow(/--shard is/);
});

/** Whether a program of others is there; CI, which installs them, has to have it. */
const has = (program: string, asked: string): boolean => process.env['CI'] === 'true' || spawnSync(program, [asked]).status === 0;

describe('a video', () => {
  it.each([
    ['no FFmpeg', undefined, 'FFmpeg, which is not installed'],
    // As 4.4, of Ubuntu 22.04, says it.
    ['an older one', "Unrecognized option 'fps_mode'.\nError splitting the argument list: Option not found", 'older than 5.1'],
  ])('where there is %s is a line that says so', async (_, says, told) => {
    writeFileSync(at('v.mp4'), '\0\0\0\x18ftypisom');
    mkdirSync(at('programs'), { recursive: true });
    if (says) writeFileSync(at('programs/ffmpeg'), `#!/bin/sh\necho "${says}" >&2\nexit 1\n`, { mode: 0o755 });
    const path = process.env['PATH'];
    process.env['PATH'] = at('programs');
    await inFolder(() => annotate({ files: ['v.mp4', 'pictures/01.png'], out: `${told}.jsonl` })).finally(() => {
      process.env['PATH'] = path;
    });
    expect(rowsOf(`${told}.jsonl`)).toMatchObject([
      { picture: 'v.mp4', error: { message: expect.stringContaining(told) } },
      { faces: [{}] },
    ]);
  });

  it('is read however its pieces are cut, to the end of what FFmpeg says', async () => {
    const pam = (width: number, height: number, first: number) => [
      ...Buffer.from(`P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n`),
      ...Array.from({ length: 4 * width * height }, (_, i) => first + i),
    ];
    const lines = [
      'Input #0\n[showinfo] config in time_base: 1/25, frame_rate: 25/1\n[showinfo] config out time_base: 0/0\nframe= 1\r[showinfo] n:0 pt',
      's:     -3 pts_time:-0.12 duration:1\r',
      '\n[showinfo] n:1 pts:270001 pts_time:10800\n[showinfo] n:2 pts:NOPTS pts_time:NOPTS\nInvalid data\n',
    ];
    const script = (exit: number) => `#!${process.execPath}
      const { setTimeout } = require('timers/promises');
      const write = (stream, piece) => new Promise((written) => stream.write(piece, written));
      (async () => {
        for (const piece of ${JSON.stringify(lines)}) await write(process.stderr, piece).then(() => setTimeout(5));
        for (const byte of ${JSON.stringify([...pam(2, 1, 1), ...pam(1, 3, 30)])}) await write(process.stdout, Buffer.of(byte)).then(() => setTimeout(1));
        await write(process.stdout, Buffer.from(${JSON.stringify([...pam(1, 1, 50), ...pam(1, 1, 60), ...pam(9, 9, 1).slice(0, 200)])}));
        process.exit(${exit});
      })();`;
    const path = process.env['PATH'];
    process.env['PATH'] = at('programs');
    try {
      mkdirSync(at('programs'), { recursive: true });
      const framesWhere = async (exit: number, options = {}) => {
        writeFileSync(at('programs/ffmpeg'), script(exit), { mode: 0o755 });
        const found: unknown[][] = [];
        const read = async () => {
          for await (const { index, time, picture } of framesOf('v.mp4', options))
            found.push([index, time, picture.width, picture.height, [...picture.data].map((n, i) => n - i)]);
        };
        return { found, failed: await read().catch((error: unknown) => error) };
      };
      const all = [
        [0, -0.12, 2, 1, Array(8).fill(1)],
        [1, 10800.04, 1, 3, Array(12).fill(30)],
        [2, 0, 1, 1, Array(4).fill(50)],
        [3, 0, 1, 1, Array(4).fill(60)],
      ];
      expect(await framesWhere(0)).toEqual({ found: all });
      const later = all.slice(2).map(([index, ...rest]) => [3 * Number(index), ...rest]);
      expect((await framesWhere(0, { every: 3, first: 2 })).found).toEqual(later);
      expect(await framesWhere(3)).toMatchObject({
        found: all,
        failed: { code: 'BAD_PICTURE', message: expect.stringMatching(/video: Invalid data$/) },
      });
    } finally {
      process.env['PATH'] = path;
    }
  });

  it.skipIf(!has('ffmpeg', '-version'))('is a line a frame, with its time, and goes on in its middle', async () => {
    mkdirSync(at('frames'));
    for (let i = 0; i < 20; i++) picture(`frames/${i}.png`, [i, 0, 1]);
    const input = ['-framerate', '10', '-i', at('frames/%d.png')];
    expect(spawnSync('ffmpeg', ['-v', 'error', ...input, '-c:v', 'ffv1', '-pix_fmt', 'bgr0', at('clip.mkv')]).status).toBe(0);
    await inFolder(() => annotate({ files: ['clip.mkv', 'pictures/01.png'], out: 'video.jsonl' }));
    const rows = rowsOf('video.jsonl');
    expect(rows.map(({ frame }) => frame)).toEqual([...Array(20).keys(), undefined]);
    expect(rows[7]).toMatchObject({ picture: 'clip.mkv', frame: 7, time: 0.7, width: 16, height: 16 });
    const child = started({ files: ['clip.mkv', 'pictures/01.png'], out: 'video-killed.jsonl', slow: 200 });
    while (!existsSync(at('video-killed.jsonl')) || statSync(at('video-killed.jsonl')).size === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill('SIGKILL');
    await exit(child);
    expect(rowsOf('video-killed.jsonl').length).toBeLessThan(20);
    await inFolder(() => annotate({ files: ['clip.mkv', 'pictures/01.png'], out: 'video-killed.jsonl', resume: true }));
    expect(readFileSync(at('video-killed.jsonl'), 'utf8')).toBe(readFileSync(at('video.jsonl'), 'utf8'));
    await inFolder(() => annotate({ files: ['clip.mkv'], out: 'third.jsonl', every: 3 }));
    expect(rowsOf('third.jsonl').map(({ frame }) => frame)).toEqual([0, 3, 6, 9, 12, 15, 18]);
  });
});

it.skipIf(!has('parallel', '--version'))('GNU parallel shares it out as the documents say', { timeout: 60_000 }, async () => {
  const script = `import { load } from ${JSON.stringify(join(root, 'tools/load.mjs'))};
    const [, index, count] = process.env.SHARD.match(/^(\\d+)\\/(\\d+)$/).map(Number);
    const { annotate } = await load('test/cli/annotate/fake.ts');
    await annotate({ files: ['pictures'], out: process.env.OUT, shard: { index, count }, resume: true });`;
  writeFileSync(at('shard.mjs'), script);
  const command = ['-j', '2', 'SHARD={}/2', 'OUT=parallel-{}.jsonl', process.execPath, 'shard.mjs', ':::', '0', '1'];
  expect(spawnSync('parallel', command, { cwd: folder, encoding: 'utf8' })).toMatchObject({ status: 0 });
  await inFolder(() => annotate({ files, out: 'alone.jsonl' }));
  expect(readFileSync(at('parallel-0.jsonl'), 'utf8') + readFileSync(at('parallel-1.jsonl'), 'utf8')).toBe(
    readFileSync(at('alone.jsonl'), 'utf8'),
  );
});
