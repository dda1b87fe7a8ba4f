/** Annotation in bulk with a real engine, of the reduced configuration on lavapipe: killed, gone on with and in shards, it writes what it writes undisturbed. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../../tools/root.ts';
import { openDawn } from '../../dawn.ts';
import { load } from '../../engine/reduced.ts';
import { annotate, type FakeJob } from './fake.ts';

const { device, lacking } = await openDawn('lavapipe');
const folder = mkdtempSync(join(tmpdir(), 'annotate-dawn-'));
const cwd = process.cwd();
afterAll(() => {
  process.chdir(cwd);
  rmSync(folder, { recursive: true, force: true });
});

/** Twenty pictures, of which two thirds have a face. */
beforeAll(() => {
  process.chdir(folder);
  mkdirSync('pictures');
  for (let i = 0; i < 20; i++) {
    const png = new PNG({ width: 40, height: 40 });
    for (let at = 0; at < 1600; at++) png.data.set([(at * 7) % 200, (at * 13) % 200, (at * (i + 3)) % 256, 255], 4 * at);
    png.data.set([i, i, i % 3 === 0 ? 0 : 1, 255], 0);
    writeFileSync(join('pictures', `${String(i).padStart(2, '0')}.png`), PNG.sync.write(png));
  }
});

const files = ['pictures'];
const written = (name: string) => readFileSync(name, 'utf8');

/** A process that annotates until it is killed, when it has written more than there was. */
async function killed(job: FakeJob): Promise<void> {
  const had = existsSync(job.out) ? statSync(job.out).size : 0;
  const script = `import { load } from ${JSON.stringify(join(root, 'tools/load.mjs'))};
    const { annotateReal } = await load('test/cli/annotate/real.ts');
    await annotateReal(${JSON.stringify(job)});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise<string | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  while (child.exitCode === null && (!existsSync(job.out) || statSync(job.out).size <= had))
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL'); // it was not done
}

describe.skipIf(lacking)(`twenty pictures${lacking}`, () => {
  it('killed twice, gone on with and in two shards give exactly what an undisturbed run gives', async () => {
    const engine = await load({ device });
    await annotate({ files, out: 'whole.jsonl' }, engine);
    const whole = written('whole.jsonl');
    const ages = whole.match(/"years":[\d.]+/g) ?? [];
    expect([whole.trim().split('\n').length, ages.length, new Set(ages).size > 5]).toEqual([20, 13, true]);
    for (const index of [0, 1]) await annotate({ files, out: `shard-${index}.jsonl`, shard: { index, count: 2 } }, engine);
    expect(written('shard-0.jsonl') + written('shard-1.jsonl')).toBe(whole);
    for (let i = 0; i < 2; i++) await killed({ files, out: 'killed.jsonl', resume: true });
    expect(whole.startsWith(written('killed.jsonl'))).toBe(true);
    expect(existsSync('killed.jsonl.progress')).toBe(true);
    await annotate({ files, out: 'killed.jsonl', resume: true }, engine);
    expect(written('killed.jsonl')).toBe(whole);
    engine.dispose();
  });
});
