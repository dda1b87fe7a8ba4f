/** Outputs: whole or not there, never over what is read or what is no file. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeCoco, writeCsv } from '../../cli/annotate/tables.ts';
import { markOf } from '../../cli/bulk/journal.ts';
import { analyze as analyzeInNode } from '../../cli/dawn.ts';
import { main } from '../../scripts/commands.ts';
import { root } from '../../tools/root.ts';
import { save, saveNow } from '../../tools/save.ts';
import { checkOutput } from '../../tools/terminal/write.ts';
import { fileOf } from '../checkpoint/files.ts';
import { codeOf } from '../errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'save-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const small = fileOf({ w: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }, 16);

/** Runs a command and gives its exit code and what it complained of. */
async function command(...args: string[]): Promise<{ code: number; err: string }> {
  let err = '';
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const error = vi.spyOn(console, 'error').mockImplementation((line: string) => {
    err += line;
  });
  const code = await main(args);
  log.mockRestore();
  error.mockRestore();
  return { code, err };
}

describe('an output', () => {
  it('keeps the mode of the file before it, and a link to it stays a link', async () => {
    for (const [name, write] of [
      ['async', (path: string) => save(path, [Buffer.from('new')])],
      ['now', async (path: string) => saveNow(path, 'new')],
    ] as const) {
      writeFileSync(at(name), 'old');
      chmodSync(at(name), 0o640);
      symlinkSync(at(name), at(`${name}-link`));
      await write(at(`${name}-link`));
      expect(readFileSync(at(name), 'utf8')).toBe('new');
      expect(statSync(at(name)).mode & 0o777).toBe(0o640);
    }
  });

  it('is never what is no file', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    mkdirSync(at('directory'));
    symlinkSync(at('nowhere'), at('dangling'));
    const socket = createServer().listen(at('socket'));
    await new Promise((done) => socket.once('listening', done));
    for (const path of ['/dev/null', '/dev/full', at('pipe'), at('directory'), at('dangling'), at('socket')]) {
      expect(await codeOf(() => save(path, [])), path).toBe('BAD_OPTION');
      expect(
        codeOf(() => saveNow(path, '')),
        path,
      ).toBe('BAD_OPTION');
      expect(() => checkOutput(path, '--json'), path).toThrow(/^--json .* is a/);
    }
    socket.close();
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('in a folder that cannot be made or written is an error that names it', async () => {
    writeFileSync(at('file'), '');
    await expect(save(join(at('file'), 'x'), [])).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining(at('file')),
    });
    expect(() => saveNow(join(at('file'), 'x'), '')).toThrow(/cannot be written/);
    const long = at('n'.repeat(250));
    await save(long, [Buffer.from('x')]);
    expect(readFileSync(long, 'utf8')).toBe('x');
  });
});

describe('an output that is an input is refused, and the input stays as it is', () => {
  const picture = readFileSync(join(root, 'test/fixtures/astronaut.png'));
  beforeEach(() => {
    writeFileSync(at('p-1.png'), picture);
    writeFileSync(at('p-2.png'), picture);
    writeFileSync(at('w.safetensors'), small);
    for (const name of ['soft.png', 'hard.png', 'soft.safetensors', 'hard.safetensors']) rmSync(at(name), { force: true });
    symlinkSync(at('p-1.png'), at('soft.png'));
    linkSync(at('p-1.png'), at('hard.png'));
    symlinkSync(at('w.safetensors'), at('soft.safetensors'));
    linkSync(at('w.safetensors'), at('hard.safetensors'));
  });

  it.for<string[]>([
    ['analyze', 'p-1.png', '--json', 'p-1.png'],
    ['detect', 'p-1.png', 'p-2.png', '--json', 'soft.png'],
    ['annotate', 'p-1.png', '--out', 'x/o.jsonl', '--csv', 'p-1.png', '--weights', 'w.safetensors'],
    ['annotate', 'p-1.png', '--out', 'x/o.jsonl', '--coco', 'hard.safetensors', '--weights', 'w.safetensors'],
    ['annotate', 'p-1.png', '--out', 'x/o.jsonl', '--csv', 'x/o.jsonl', '--weights', 'w.safetensors'],
    ['analyze', 'p-1.png', '--json', './x/../p-1.png'],
    ['analyze', 'p-1.png', '--draw', 'soft.png'],
    ['analyze', 'p-1.png', '--raw', 'hard.png'],
    ['analyze', 'soft.png', '--json', 'p-1.png'],
    ['analyze', 'p-1.png', 'p-2.png', '--draw', 'p.png'],
    ['analyze', 'p-1.png', '--json', 'w.safetensors', '--weights', 'w.safetensors'],
    ['analyze', 'p-1.png', '--json', 'new.json', '--raw', 'new.json'],
    ['convert', 'w.safetensors', 'w.safetensors'],
    ['convert', 'w.safetensors', 'soft.safetensors'],
    ['convert', 'hard.safetensors', 'w.safetensors'],
    ['fetch', 'w.safetensors', '--any', '--from', 'hard.safetensors'],
    ['export', 'w.safetensors', '--weights', 'soft.safetensors'],
    ['bench', '--weights', 'w.safetensors', '--json', 'w.safetensors'],
  ])('%s', async ([name, ...args]) => {
    mkdirSync(at('x'), { recursive: true });
    const paths = args.map((arg) => (/\.(png|jsonl?|safetensors)$/.test(arg) ? `${folder}/${arg}` : arg));
    const { code, err } = await command(name as string, ...paths);
    expect(code).toBe(1);
    expect(err).toMatch(/would be written over/);
    expect(readFileSync(at('p-1.png')).equals(picture)).toBe(true);
    expect(readFileSync(at('w.safetensors')).equals(Buffer.from(small))).toBe(true);
    expect(existsSync(at('new.json'))).toBe(false);
  });

  it('by the command in Node too', async () => {
    const run = analyzeInNode.run([at('p-1.png'), '--json', at('soft.png'), '--weights', at('w.safetensors')]);
    await expect(run).rejects.toThrow(/would be written over/);
  });

  it('nor is a mask written over a picture, or another mask, or a table over a data set', async () => {
    const masked = await command(
      'annotate',
      at('p-1.png'),
      `${at('p-1.png')}.0.png`,
      '--out',
      at('o.jsonl'),
      '--masks',
      '/',
      '--weights',
      'seeded',
    );
    expect(masked).toMatchObject({ code: 1, err: expect.stringMatching(/A mask in .* would be written over/) });
    for (const name of ['at 1:20.png', 'at 1_20.png']) writeFileSync(at(name), picture);
    const both = await command(
      'annotate',
      at('at 1:20.png'),
      at('at 1_20.png'),
      ...['--out', at('o.jsonl'), '--masks', at('masks'), '--weights', 'seeded'],
    );
    expect(both).toMatchObject({ code: 1, err: expect.stringMatching(/The masks of .*1:20\.png and .*1_20\.png would be one file/) });
    mkdirSync(at('utkface'), { recursive: true });
    writeFileSync(at('utkface/1_0_0_2017.jpg'), picture);
    const judged = await command('evaluate', 'age', '--data', at('utkface'), '--json', at('utkface/1_0_0_2017.jpg'), '--weights', 'seeded');
    expect(judged).toMatchObject({ code: 1, err: expect.stringMatching(/would be written over/) });
  });
});

it('folders that were made for a file that does not come go with it', async () => {
  async function* breaks() {
    yield Uint8Array.of(1);
    throw new Error('no more');
  }
  await expect(save(at('made/for/it'), breaks())).rejects.toThrow('no more');
  expect(existsSync(at('made'))).toBe(false);
  mkdirSync(at('kept'));
  await expect(save(at('kept/for/it'), breaks())).rejects.toThrow('no more');
  expect(readdirSync(at('kept'))).toEqual([]);
});

it('a table that cannot be made leaves the one before it whole, and nothing beside it', async () => {
  mkdirSync(at('tables'));
  writeFileSync(at('tables/out'), 'old');
  writeFileSync(at('cut.jsonl'), `{"schema":"facexformer-webgpu/annotation/1","picture":"a.png"}\n{"schema":`);
  for (const write of [writeCsv, writeCoco])
    await expect(write(at('cut.jsonl'), at('tables/out'))).rejects.toThrow(/Line \d of .*cut\.jsonl/);
  expect([readFileSync(at('tables/out'), 'utf8'), ...readdirSync(at('tables'))]).toEqual(['old', 'out']);
});

it('an evaluation is gone on with by the weights that it was begun with, also when nothing is left to do', async () => {
  mkdirSync(at('faces'));
  writeFileSync(at('faces/1_0_0_2017.jpg'), 'whatever');
  writeFileSync(at('e.json.lines'), '{"name":"1_0_0_2017.jpg","score":{"error":1,"right":true}}\n');
  const judged = (weights: string) =>
    command('evaluate', 'age', '--data', at('faces'), '--json', at('e.json'), '--resume', '--weights', weights);
  expect(await judged('seeded:1')).toMatchObject({ code: 1, err: expect.stringMatching(/does not say of what/) });
  writeFileSync(
    at('e.json'),
    JSON.stringify({ job: { task: 'age', set: 'UTKFace', data: at('faces'), pictures: 1, weights: 'seeded 1, released, swin_b' } }),
  );
  expect(await judged('seeded:2')).toMatchObject({ code: 1, err: expect.stringMatching(/begun with other weights \(seeded 1/) });
  expect(await judged('seeded:1')).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(readFileSync(at('e.json'), 'utf8'))).toMatchObject({
    weights: 'seeded 1, released, swin_b',
    rows: [{ name: 'MAE', value: 1 }, {}],
  });
});

it('an annotation that is whole is of the pictures, weights and options that its lines name, or is refused', async () => {
  const line = (picture: string, by?: object) =>
    `${JSON.stringify({ schema: 'facexformer-webgpu/annotation/1', picture, width: 1, height: 1, faces: [], by })}\n`;
  const seeded = { weights: 'seeded 1, released, swin_b' };
  const [clip, still] = ['clip.mp4', 'still.png'];
  const annotated = (lines: string, ...more: string[]) => {
    writeFileSync(at('a.jsonl'), lines);
    return command('annotate', clip, still, '--out', at('a.jsonl'), '--resume', '--weights', 'seeded:1', ...more);
  };
  const whole = line(clip, seeded) + line(clip, seeded) + line(still, seeded);
  expect(await annotated(whole)).toMatchObject({ code: 0, err: '' });
  for (const [lines, more, why] of [
    [whole, ['--weights', 'seeded:2'], /begun with other weights \(seeded 1, released, swin_b, now seeded 2, released, swin_b\)/],
    [whole, ['--tasks', 'age'], /begun with other tasks \(none, now age\)/],
    [whole, ['--masks', at('masks')], /begun with other masks \(none, now files\)/],
    [whole.replace('still', 'other'), [], /begun with other picture \(other.png, now still.png\)/],
    [whole + line('more.png', seeded), [], /begun with other picture \(more.png, now none\)/],
    [line(clip, seeded), [], /whole and has no line of still.png/],
    [line(clip), [], /does not say what made its lines/],
  ] as const) {
    const { code, err } = await annotated(lines, ...more);
    expect([code, err]).toEqual([1, expect.stringMatching(why)]);
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe(lines);
  }
});

it('weights of one name and size are told apart', async () => {
  const marks = ['one', 'two'].map((training) => {
    mkdirSync(at(training));
    writeFileSync(at(training, 'w.safetensors'), training);
    return markOf({ file: at(training, 'w.safetensors'), name: 'w.safetensors' });
  });
  expect(await Promise.all(marks)).toEqual([
    'w.safetensors, SHA-256 7692c3ad3540bb80',
    expect.stringMatching(/^w\.safetensors, SHA-256 (?!7692)[0-9a-f]{16}$/),
  ]);
});

it('an input that is a pipe or a device is refused at once', async () => {
  execFileSync('mkfifo', [at('in.pipe')]);
  for (const [...args] of [
    ['convert', at('in.pipe'), at('o')],
    ['inspect', at('in.pipe')],
    ['verify', at('in.pipe')],
    ['analyze', at('in.pipe')],
    ['convert', '/dev/zero', at('o')],
    ['shard', at('in.pipe'), at('hosted')],
    ['analyze', join(root, 'test/fixtures/astronaut.png'), '--weights', at('in.pipe')],
  ]) {
    const { code, err } = await command(...args);
    expect(code, args.join(' ')).toBe(1);
    expect(err, args.join(' ')).toMatch(/is a (pipe|device)/);
  }
});

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

describe.skipIf(!canMount)('on a full disk', () => {
  it.for<[name: string, args: string]>([
    ['seed', 'seed $D/out'],
    ['plan', 'plan --json $D/out'],
    ['convert', 'convert $S/in.safetensors $D/out'],
  ])('%s leaves the file before it whole, and says which file had no room', { timeout: 60_000 }, ([, args]) => {
    const big = fileOf({ w: { dtype: 'F32', shape: [1 << 18], data_offsets: [0, 1 << 20] } }, 1 << 20);
    writeFileSync(at('in.safetensors'), big);
    const script = `mount -t tmpfs -o size=64k none /mnt; D=/mnt; S=${folder}; echo old > /mnt/out
      '${process.execPath}' '${join(root, 'scripts/facexformer.mjs')}' ${args} >/dev/null; echo "code $?"; cat /mnt/out; ls -A /mnt`;
    const { stdout, stderr } = spawnSync('unshare', ['-m', 'bash', '-c', script], { encoding: 'utf8' });
    expect(stderr).toMatch(/LIMIT: There is no room on the disk for \/mnt\/out/);
    expect(stdout).toBe('code 1\nold\nout\n');
  });
});

it('an end while what makes files is busy leaves neither a part of one nor a folder made for it', () => {
  const script = `import { pbkdf2 } from 'node:crypto';
    const { load } = await import(${JSON.stringify(pathToFileURL(join(root, 'tools/load.mjs')))});
    const { save } = await load('tools/save.ts');
    pbkdf2('', '', 300_000, 64, 'sha512', () => {});
    void save(process.argv[1], ['a']);
    process.exit();`;
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  execFileSync(process.execPath, ['--input-type=module', '-e', script, at('ended', 'out')], { env });
  expect(existsSync(at('ended'))).toBe(false);
});

it('a signal at any moment leaves no part of a file, and the exit code tells', { timeout: 60_000 }, async () => {
  const codes = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const;
  for (let i = 0; i < 10; i++) {
    const [signal, code] = codes[i % codes.length] as (typeof codes)[number];
    const place = at(`signal-${i}`);
    mkdirSync(place);
    const child = spawn(process.execPath, [join(root, 'scripts/facexformer.mjs'), 'seed', join(place, 'out')], { stdio: 'ignore' });
    while (!readdirSync(place).some((name) => name.endsWith('.part'))) await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => setTimeout(done, 15 * i)); // the writing takes half a second where disks are fast
    child.kill(signal);
    expect(await new Promise((done) => child.once('exit', done))).toBe(code);
    expect(readdirSync(place)).toEqual([]);
  }
});
