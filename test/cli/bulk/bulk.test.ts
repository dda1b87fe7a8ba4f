/** What `annotate` and `evaluate` share: the files that arguments name, steps and shards, passes, and how long it will take. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Journal, keeping } from '../../../cli/bulk/journal.ts';
import { duration, paceLine } from '../../../cli/bulk/pace.ts';
import { facesIn, passesOf } from '../../../cli/bulk/passes.ts';
import { namedFiles, shardOf, slashed, stepsOf } from '../../../cli/bulk/pictures.ts';
import { formatOf, readPicture } from '../../../cli/picture.ts';

let folder: string;
const cwd = process.cwd();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulk-'));
  process.chdir(folder);
  mkdirSync('a/b', { recursive: true });
  for (const name of [
    'a/2.jpg',
    'a/1.PNG',
    'a/b/3.heic',
    'a/b/clip.mp4',
    'a/notes.md',
    'a/[x].jpg',
    'a/2.jpg.bak',
    'a/clip.mp4.part',
    'z.jpg',
  ])
    writeFileSync(name, '');
  symlinkSync('..', 'a/b/up');
  writeFileSync('list.txt', 'z.jpg\r\n\n \nnot there.jpg\na/2.jpg\n');
});
afterAll(() => {
  process.chdir(cwd);
  rmSync(folder, { recursive: true, force: true });
});

const names = (...args: string[]) => namedFiles(args).map(({ name }) => name);

describe('the files that arguments name', () => {
  it.each([
    ['a folder, with those below it, by name, and no others', ['a'], ['a/1.PNG', 'a/2.jpg', 'a/[x].jpg', 'a/b/3.heic', 'a/b/clip.mp4']],
    ['a pattern', ['a/**/*.{jpg,heic}'], ['a/2.jpg', 'a/[x].jpg', 'a/b/3.heic']],
    ['a pattern of here', ['./*.jpg'], ['z.jpg']],
    ['a list, as it stands', ['list.txt'], ['z.jpg', 'not there.jpg', 'a/2.jpg']],
    ['files, each once, whether they are there or not', ['z.jpg', 'none.jpg', 'z.jpg', 'a/notes.md'], ['z.jpg', 'none.jpg', 'a/notes.md']],
    ['a name that is a pattern, where there is such a file', ['a/[x].jpg'], ['a/[x].jpg']],
  ])('%s', (_, args, expected) => {
    expect(names(...args)).toEqual(expected);
  });

  it('a pattern that matches nothing, and a folder that is not there, are refused', () => {
    expect(() => names('a/*.gif')).toThrow('Nothing matches a/*.gif.');
    expect(() => names('a', 'phtoos/')).toThrow('There is no folder or file phtoos/.');
  });

  it('have slashes on Windows, too', () => expect(slashed('C:\\photos\\**\\*.jpg', '\\')).toBe('C:/photos/**/*.jpg'));

  it.skipIf(process.platform === 'win32')('have backslashes elsewhere', () => {
    writeFileSync('a\\b.jpg', '');
    expect(names('a\\\\*.jpg')).toEqual(['a\\b.jpg']);
    rmSync('a\\b.jpg');
  });

  it('none at all is refused, and an empty folder beside others is none of them', () => {
    mkdirSync('empty');
    writeFileSync('empty.txt', '\n');
    expect(() => names('empty', 'empty.txt')).toThrow('There are no pictures or videos in empty, empty.txt.');
    expect(names('empty', 'z.jpg')).toEqual(['z.jpg']);
  });

  it.skipIf(process.platform !== 'linux')('names that are not UTF-8, which Linux alone has, are called so', async () => {
    const latin = (path: string) => Buffer.from(path, 'latin1');
    mkdirSync('old');
    writeFileSync(latin('old/café.png'), '');
    await expect(readPicture(names('old')[0] as string)).rejects.toThrow('old/caf\uFFFD.png cannot be read: its name is not UTF-8.');
    mkdirSync(latin('old/été'));
    expect(() => names('old')).toThrow('old/\uFFFDt\uFFFD cannot be read: its name is not UTF-8.');
    rmSync('old', { recursive: true, force: true });
  });

  it('a list may begin with the mark of some editors, and a link that leads to itself is a file', () => {
    writeFileSync('marked.txt', '\uFEFFz.jpg\r\n');
    expect(names('marked.txt')).toEqual(['z.jpg']);
    mkdirSync('linked');
    symlinkSync('self.jpg', 'linked/self.jpg');
    expect(names('linked')).toEqual(['linked/self.jpg']);
  });

  it('masks that an earlier run wrote below are none of them, but in a folder that is named', () => {
    mkdirSync('photos/masks/photos', { recursive: true });
    for (const name of ['photos/a.jpg', 'photos/masks/photos/a.jpg.0.png']) writeFileSync(name, '');
    const found = (arg: string, masks: string) => namedFiles([arg], masks).map(({ name }) => name);
    expect(found('photos', './photos/masks')).toEqual(['photos/a.jpg']);
    expect(found('photos/**/*.{jpg,png}', 'photos/masks')).toEqual(['photos/a.jpg']);
    expect(found('photos/masks', 'photos/masks')).toEqual(['photos/masks/photos/a.jpg.0.png']);
    expect(found('photos', 'nowhere')).toEqual(['photos/a.jpg', 'photos/masks/photos/a.jpg.0.png']);
  });

  it('videos are told by their names', () => {
    expect(namedFiles(['a']).filter(({ video }) => video)).toEqual([{ name: 'a/b/clip.mp4', video: true }]);
  });
});

describe('steps', () => {
  const pictures = (count: number) => Array.from({ length: count }, (_, i) => ({ name: String(i), video: false }));

  it('are of eight pictures, or of a video', () => {
    const steps = stepsOf([...pictures(10), { name: 'v', video: true }, ...pictures(3)]);
    expect(steps.map((step) => step.length)).toEqual([8, 2, 1, 3]);
  });

  it.each([1, 2, 3, 7, 40])('in %i shards are one after the other what they are in one', (count) => {
    const steps = stepsOf(pictures(100));
    const shards = Array.from({ length: count }, (_, index) => shardOf(steps, { index, count }));
    expect(shards.flat()).toEqual(steps);
    const sizes = shards.map((shard) => shard.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });
});

it('passes are of 8, 4, 2 and 1', () => {
  const sizes = (count: number) => passesOf(Array.from({ length: count }, () => 0)).map((pass) => pass.length);
  expect([0, 1, 7, 8, 9, 23].map(sizes)).toEqual([[], [1], [4, 2, 1], [8], [8, 1], [8, 8, 4, 2, 1]]);
});

describe('faces are cut out of their picture', () => {
  const picture = { data: Uint8Array.from({ length: 4 * 60 * 40 }, (_, i) => (i >> 2) % 251), width: 60, height: 40 };
  const found = [
    { box: { x0: 10, y0: 10, x1: 20, y1: 30 }, score: 0.9, points: [{ x: 12, y: 13 }] },
    { box: { x0: 59.2, y0: 10, x1: 59.8, y1: 30 }, score: 0.8 }, // no pixel wide
    { box: { x0: 10, y0: 39.2, x1: 30, y1: 39.8 }, score: 0.8 }, // no pixel high
    { box: { x0: 30, y0: 0, x1: 60, y1: 10 }, score: 0.7 },
  ];
  const detector = { detect: async () => found };

  it('as they are found, widened, and square where that is asked for', async () => {
    const cuts = await facesIn(picture, { detector });
    expect(cuts.map(({ box }) => box)).toEqual([
      { x0: 7, y0: 5, x1: 22, y1: 35 },
      { x0: 22, y0: 0, x1: 60, y1: 12 },
    ]);
    const { box: detected, score, points } = found[0] as (typeof found)[number];
    expect(cuts.map(({ origin }) => origin)).toEqual([
      { source: 'detector', score, detected, points },
      { source: 'detector', score: 0.7, detected: found[3]?.box },
    ]);
    expect(cuts[0]?.pixels).toMatchObject({ width: 15, height: 30 });
    expect(cuts[0]?.pixels.data[0]).toBe((5 * 60 + 7) % 251);
    const [square, one] = await facesIn(picture, { detector, crop: 'square', maxFaces: 1 });
    expect([square?.box, one]).toEqual([{ x0: 0, y0: 5, x1: 30, y1: 35 }, undefined]);
  });

  it('or are the picture', async () => {
    const box = { x0: 0, y0: 0, x1: 60, y1: 40 };
    expect(await facesIn(picture, { detector: 'whole' })).toEqual([{ pixels: picture, box, origin: { source: 'whole' } }]);
  });
});

describe('how long it will take', () => {
  it('is told by what this run did, not by what was done before', () => {
    expect(paceLine({ what: 'pictures', done: 600, total: 1000, failed: 3, here: 100 }, 50_000)).toBe(
      '600 of 1000 pictures, 2.0 a second, 3 min left, 3 failed',
    );
    expect(paceLine({ what: 'pictures', done: 2, total: 3, failed: 0, here: 2 }, 60_000)).toBe('2 of 3 pictures, 30 s each, 30 s left');
    expect(paceLine({ what: 'pictures', done: 5, total: 10, failed: 0, here: 0 }, 1000)).toBe('5 of 10 pictures');
  });

  it.each([
    [0.2, '1 s'],
    [59, '59 s'],
    [90, '2 min'],
    [3599, '1 h 0 min'],
    [12_000, '3 h 20 min'],
  ])('%f seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

it.each([
  ['\x89PNG\r\n\x1a\n', 'PNG'],
  ['\xff\xd8\xff\xe0', 'JPEG'],
  ['GIF89a', 'GIF'],
  ['BM\0\0', 'BMP'],
  ['II*\0', 'TIFF'],
  ['MM\0*', 'TIFF'],
  ['RIFF\x10\0\0\0WEBPVP8 ', 'WebP'],
  ['\0\0\0\x18ftypheic', 'HEIC'],
  ['\0\0\0\x18ftypmif1', 'HEIC'],
  ['\0\0\0\x1cftypavif', 'AVIF'],
  ['\0\0\0\x18ftypisom', 'a video (MP4 or QuickTime)'],
  ['<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', 'SVG, a drawing'],
  ['<!doctype html><title>', 'a web page (HTML)'],
  ['%PDF-1.7', 'PDF, a document'],
  ['some text', undefined],
  ['', undefined],
])('a file that begins with %j is %s', (start, format) => {
  expect(formatOf(Buffer.from(start, 'latin1'))).toBe(format);
});

it('work that failed leaves what was done of it, and nothing where that is nothing', async () => {
  const failed = (lines: readonly string[]) => {
    const journal = Journal.open('failed.jsonl', { tasks: 'age' }, { resume: true }) as Journal;
    const work = keeping(journal, async () => {
      for (const line of lines) journal.append([line], { steps: journal.at.steps + 1, parts: 0 });
      throw new Error('no GPU');
    });
    return expect(work).rejects.toThrow('no GPU');
  };
  await failed([]);
  expect(['failed.jsonl', 'failed.jsonl.progress'].filter(existsSync)).toEqual([]);
  await failed(['1']);
  await failed([]);
  expect(readFileSync('failed.jsonl', 'utf8')).toBe('1\n');
  expect(Journal.open('failed.jsonl', { tasks: 'age' }, { resume: true })?.at).toEqual({ steps: 1, parts: 0 });
});

it('results that are shorter than they were are refused, and longer ones lose what no step counts', () => {
  const journal = Journal.open('short.jsonl', {}, { resume: false }) as Journal;
  journal.append(['one', 'two'], { steps: 1, parts: 0 });
  expect(journal.leave()).toBe(true);
  writeFileSync('short.jsonl', 'one\ntwo\nthr');
  expect((Journal.open('short.jsonl', {}, { resume: true }) as Journal).leave()).toBe(true);
  expect(readFileSync('short.jsonl', 'utf8')).toBe('one\ntwo\n');
  writeFileSync('short.jsonl', 'one\n');
  expect(() => Journal.open('short.jsonl', {}, { resume: true })).toThrow('short.jsonl has 4 bytes and had 8: it was changed since.');
  expect(readFileSync('short.jsonl', 'utf8')).toBe('one\n');
});

it('a note of progress that says none is refused, and the results stay as they are', () => {
  for (const text of ['null', '5', '{}', '{"job":{},"steps":1,"parts":0}', '{"job":{},"steps":1.5,"parts":0,"bytes":0}', '{"job":{']) {
    writeFileSync('results.jsonl', 'a line\n');
    writeFileSync('results.jsonl.progress', text);
    expect(() => Journal.open('results.jsonl', {}, { resume: true }), text).toThrow(/results.jsonl.progress cannot be read: delete it/);
    expect(readFileSync('results.jsonl', 'utf8')).toBe('a line\n');
  }
});
