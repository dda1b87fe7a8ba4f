/** The command line as a person calls it, where it needs no browser. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { analyze as analyzeInNode } from '../../cli/dawn.ts';
import { main } from '../../scripts/commands.ts';
import { serve } from '../../tools/browser/serve.ts';
import { root } from '../../tools/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  code: number;
  out: string;
  err: string;
}

/** Runs the command in this process, which is quick; what it prints is caught. */
async function facexformer(...args: string[]): Promise<Outcome> {
  const caught = { out: '', err: '' };
  const into = (name: 'out' | 'err') => (line: string) => {
    caught[name] += `${line}\n`;
  };
  const spies = [vi.spyOn(console, 'log').mockImplementation(into('out')), vi.spyOn(console, 'error').mockImplementation(into('err'))];
  const code = await main(args);
  for (const spy of spies) spy.mockRestore();
  return { code, ...caught };
}

/** Runs the command as npm does. */
const ownProcess = (...args: string[]) => ownProcessWith('', ...args);

/** @param input comes by standard input after a while */
function ownProcessWith(input: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(root, 'scripts', 'facexformer.mjs'), ...args], { cwd: folder }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
    setTimeout(() => child.stdin?.end(input), input ? 1000 : 0);
  });
}

it('as a process of its own, the exit code tells', async () => {
  const [right, wrong, failed] = await Promise.all([ownProcess('--help'), ownProcess('analyse'), ownProcess('inspect', 'no-such')]);
  expect(right).toMatchObject({ code: 0, err: '', out: expect.stringContaining('analyze') });
  expect(wrong).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Unknown command analyse') });
  expect(failed).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^WEIGHTS_UNREACHABLE: There is no file no-such/) });
});

it('waits for a list that comes by standard input, in which there may be nothing', async () => {
  const call = ['annotate', '-', '--weights', 'seeded', '--out', '.'];
  const all = await Promise.all(['x.png\n', ' \n'].map((input) => ownProcessWith(input, ...call)));
  expect(all.map(({ err }) => err)).toEqual(['. is a directory; give a file.\n', 'There are no pictures or videos in -.\n']);
});

describe('a wrong call ends with 2 and says what is wrong', () => {
  it.for<[string[], string]>([
    [[], 'No command'],
    [['analyse'], 'Unknown command analyse'],
    [['analyze'], 'Which picture?'],
    [['analyze', 'x.png', '--box', '1,2,3'], '--box is 1,2,3'],
    [['analyze', 'x.png', '--box', '1,2,3,NaN'], '--box'],
    [['analyze', 'package.json', '--draw', 'out.jpg'], '--draw is out.jpg; its name must end in .png'],
    [['analyze', 'x.png', '--box', '1,,3,4'], '--box'],
    [['analyze', 'x.png', '--adapter', 'cpu'], '--adapter is cpu; it must be auto, gpu or software'],
    [['analyze', 'x.png', '--plan', 'fast'], '--plan is fast; it must be auto or fused'],
    [['analyze', 'x.png', '--dtype', 'int8'], '--dtype is int8; it must be auto, f32 or f16'],
    [['analyze', 'x.png', '--weights', 'seeded:-1'], 'The seed is -1'],
    [['analyze', 'x.png', '--weights', 'seeded:4294967296'], 'The seed'],
    [['analyze', 'x.png', '--tasks', 'age,,race'], '--tasks'],
    [['analyze', 'x.png', '--taps'], '--raw'],
    [['analyze', 'x.png', '--bogus'], '--bogus'],
    [['analyze', 'x.png', '--form', 'other'], '--form is other'],
    [['seed'], 'One file to write'],
    [['seed', 'a', 'b'], 'One file to write'],
    [['seed', 'a', '--seed', '1.5'], 'The seed is 1.5'],
    [['inspect'], 'One file'],
    [['plan', 'extra'], 'plan takes only options; "extra" is not one.'],
    [['plan', '--software', '--gpu', 'mali'], 'leave out --gpu'],
    [['demo', 'x', 'y'], 'demo takes only options; "x" is not one.'],
    [['demo', '--port', '70000'], '--port is 70000'],
    [['tune', '--budget', '0'], '--budget is 0'],
    [['plan', '--json', ''], '--json is empty'],
    [['annotate', 'x.png', '--weights', 'seeded', '--out='], '--out is empty'],
    [['inspect', ''], 'An argument is empty'],
    [['evaluate', 'ages', '--data', '.'], 'TASK is ages; it must be parsing, landmarks, '],
    [['bench', '--batch', '9'], '--batch is 9; it must be an integer from 1 to 8'],
  ])('%j', async ([args, said]) => {
    const { code, out, err } = await facexformer(...args);
    expect(err).toContain(said);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });
});

describe('a failure ends with 1 and its code', () => {
  it.for<[string[], string]>([
    [['analyze', 'no-such.png'], 'BAD_PICTURE: There is no file no-such.png'],
    [['analyze', '.'], 'BAD_PICTURE: . is a directory.'],
    [['start', 'no-such.png'], 'BAD_PICTURE'],
    [['analyze', 'x.png', '--weights', 'no-such.safetensors'], 'WEIGHTS_UNREACHABLE: There is no file no-such.safetensors'],
    [['inspect', 'no-such.safetensors'], 'WEIGHTS_UNREACHABLE'],
    [['plan', '--tasks', 'beauty'], 'UNKNOWN_TASK'],
    [['seed', 'no/such/folder/out.safetensors'], 'There is no folder no/such/folder.'],
    [['analyze', 'package.json', '--draw', 'docs'], '--draw docs is a directory; give a file.'],
    [['analyze', 'package.json', '--json', 'package.json/a.json'], '--json package.json/a.json cannot be written: '],
    [['analyze', 'package.json', '--raw', 'docs'], '--raw docs is a directory'],
    [['analyze', 'package.json', '--weights', 'docs'], 'WEIGHTS_UNREACHABLE: docs is a directory.'],
    [['bench', '--screenshot', 'docs'], '--screenshot docs is a directory'],
    [['tune', '--json', 'docs'], '--json docs is a directory'],
    [['plan', '--wgsl', 'package.json'], '--wgsl package.json is a file; give a folder.'],
    [['seed', 'docs'], 'docs is a directory; give a file.'],
    [['seed', '-'], '- is standard output; give a file.'],
    [['export', 'docs'], 'docs is a directory; give a file.'],
    [['fetch', 'docs'], 'docs is a directory; give a file.'],
    [['convert', 'docs', 'out.safetensors'], 'WEIGHTS_UNREACHABLE: docs is a directory.'],
    [['convert', 'package.json', 'docs'], 'docs is a directory; give a file.'],
    [['convert', 'nope', 'out.safetensors'], 'WEIGHTS_UNREACHABLE: There is no file nope.'],
    [['evaluate', 'recognition', '--data', 'docs', '--weights', 'seeded'], 'no data set that verification is judged by'],
    [['annotate', 'no-such', '--out', 'out.jsonl', '--weights', 'seeded'], 'There is no folder or file no-such.'],
    [['shard', 'package.json', 'README.md'], 'README.md is a file; give a folder.'],
  ])('%j', async ([args, said]) => {
    const { code, out, err } = await facexformer(...args);
    expect(err).toContain(said);
    expect(err).not.toMatch(/^\s+at /m);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });
});

it('seeded weights are of either form, on any encoder, by the command in Node too', async () => {
  const run = (...how: string[]) => analyzeInNode.run(['no-such.png', '--weights', 'seeded:7', ...how]);
  await expect(run('--form', 'paper', '--encoder', 'resnet101')).rejects.toThrow('no-such.png');
  await expect(run('--form', 'small')).rejects.toThrow('--form is small; it must be released or paper');
  await expect(run('--form', 'paper', '--network', 'segface')).rejects.toThrow('SegFace has one form');
});

it('a port that is taken', async () => {
  const server = await serve({});
  const { port } = new URL(server.url);
  expect(await facexformer('demo', '--port', port)).toEqual({ code: 1, out: '', err: `Port ${port} is taken.\n` });
  await server.close();
});

it('weights that cannot be fetched: the call is said with which they can be, when they are here', async () => {
  const server = await serve({});
  const out = join(folder, 'fetched.safetensors');
  const { code, err } = await facexformer('fetch', out, '--from', `${server.url}/model.pt`, '--dtype', 'f16');
  await server.close();
  expect(code).toBe(1);
  expect(err).toMatch(/WEIGHTS_UNREACHABLE: .* 404 /);
  expect(err).toContain(`run: npm run weights -- ${out} --dtype f16 --from FILE\n`);
  expect((await facexformer('fetch', out, '--from', 'no-such.pt')).err).toMatch(/WEIGHTS_UNREACHABLE: There is no file no-such.pt.\n$/);
});

it('its version is the package’s', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(await facexformer('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

describe('help', () => {
  it('lists the commands', async () => {
    const { code, out } = await facexformer('--help');
    expect(code).toBe(0);
    for (const name of ['analyze', 'plan', 'seed', 'inspect', 'demo', 'bench', 'tune', 'start'])
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it.for(['analyze', 'plan', 'seed', 'inspect', 'demo', 'bench', 'tune', 'start'])('%s tells its options', async (name) => {
    const { code, out } = await facexformer(name, '--help');
    expect(code).toBe(0);
    expect(out).toContain(`npm run -s facexformer -- ${name}`);
  });
});

describe('seed and inspect', () => {
  const file = join(folder, 'seeded.safetensors');

  it('writes the bytes of the seed, and lists them', async () => {
    expect(await facexformer('seed', file, '--seed', '7')).toMatchObject({ code: 0, err: '' });
    const { code, out } = await facexformer('inspect', file);
    expect(code).toBe(0);
    expect(out).toMatch(/^backbone\.0\.0\.0\.weight +F32 +\[128, 3, 4, 4\] +24576$/m);
    expect(out).toContain('505 tensors');
    expect(out).toContain('released form; tasks: segmentation, landmarks, headpose, attributes, visibility, age, gender, race');
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('a file that ends early, and one that is none', async () => {
    truncateSync(file, 300_000_000);
    expect(await facexformer('inspect', file)).toMatchObject({ code: 1, err: expect.stringContaining(`BAD_WEIGHTS_FILE: ${file}: `) });
    writeFileSync(file, '<!doctype html><title>Not found</title>');
    expect(await facexformer('inspect', file)).toMatchObject({ code: 1, err: expect.stringContaining('BAD_WEIGHTS_FILE') });
  });
});

describe('plan', () => {
  const json = join(folder, 'plan.json');
  const shaders = join(folder, 'wgsl');

  it('prints, and writes JSON and shaders that are whole', async () => {
    const { code, out, err } = await facexformer('plan', '--json', json, '--wgsl', shaders);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const { dispatches, totals } = JSON.parse(readFileSync(json, 'utf8'));
    expect(out).toContain(`\n  json        ${json}\n  wgsl        ${shaders}\n`);
    expect(out.split('\n\n')[0]?.split('\n').length).toBe(dispatches.length);
    expect(totals).toMatchObject({ dispatches: dispatches.length, pipelines: readdirSync(shaders).length });
    for (const key of ['activationBytes', 'weightBytes', 'flops']) expect(totals[key]).toBeGreaterThan(0);
    for (const dispatch of dispatches) {
      for (const key of ['kernel', 'node', 'grid', 'flops', 'bytes']) expect(dispatch).toHaveProperty(key);
      const kernel = dispatch.kernel as string;
      expect(existsSync(join(shaders, `${kernel}.wgsl`)) || existsSync(join(shaders, `${kernel}-1.wgsl`)), kernel).toBe(true);
    }
    for (const file of readdirSync(shaders)) {
      const code = readFileSync(join(shaders, file), 'utf8');
      const reflected = new WgslReflect(code);
      expect(reflected.entry.compute.map(({ name }) => name)).toEqual([file.replace(/(-\d+)?\.wgsl$/, '')]);
      expect(reflected.overrides.filter(({ name }) => !new RegExp(`override ${name}: \\w+ =`).test(code))).toEqual([]);
    }
  });

  it('leaves out what no chosen task needs, and does so alike each time', async () => {
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const all = await facexformer('plan');
    const age = await facexformer('plan', '--tasks', 'age');
    expect(age.code).toBe(0);
    expect(age.out.split('\n').length).toBeLessThan(all.out.split('\n').length);
    expect(hash((await facexformer('plan', '--tasks', 'age')).out)).toBe(hash(age.out));
  });
});

it.skipIf(!existsSync('/dev/full'))('what a full disk has no room for is told, and the exit code tells it', () => {
  const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const;
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'facexformer.mjs'), 'plan'], { stdio: [...stdio] });
  expect([status, String(stderr)]).toEqual([1, 'What it says could not be written (ENOSPC).\n']);
});
