/** Signals while a browser is at work: it ends with the command, and its profile goes. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { root } from '../../tools/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'signals-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Processes whose command line holds the text. */
const running = (text: string) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // it has ended
    }
  });

test.skipIf(process.platform !== 'linux')('a signal ends the browser too, and leaves nothing', async () => {
  const moments = [
    ['SIGINT', 130, 400],
    ['SIGTERM', 143, 900],
    ['SIGHUP', 129, 1400],
    ['SIGINT', 130, 2200],
    ['SIGTERM', 143, 3200],
  ] as const;
  for (const [i, [signal, code, wait]] of moments.entries()) {
    const place = join(folder, String(i));
    mkdirSync(place);
    const child = spawn(
      process.execPath,
      [
        join(root, 'scripts/facexformer.mjs'),
        'analyze',
        join(root, 'test/fixtures/astronaut.png'),
        '--adapter',
        'software',
        '--json',
        join(place, 'out.json'),
      ],
      { stdio: 'ignore', env: { ...process.env, TMPDIR: place } },
    );
    const ended = new Promise((done) => child.once('exit', done));
    await new Promise((done) => setTimeout(done, 1000 + wait));
    child.kill(signal);
    expect(await ended, `${signal} after ${wait} ms`).toBe(code);
    for (let tries = 0; tries < 40 && running(place).length > 0; tries++) await new Promise((done) => setTimeout(done, 50));
    expect(running(place)).toEqual([]);
    expect(readdirSync(place).filter((name) => !name.startsWith('.org.chromium'))).toEqual([]);
  }
});
