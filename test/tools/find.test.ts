/** Where a browser is looked for, and in which order. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { findChrome } from '../../tools/browser/chrome.ts';
import { NoBrowserError } from '../../tools/browser/find.ts';
import { findFirefox, hasFirefox, requireFirefox } from '../../tools/browser/firefox.ts';

const folder = mkdtempSync(join(tmpdir(), 'chrome-'));
afterAll(() => rmSync(folder, { recursive: true }));

const program = (name: string, mode = 0o755, does = ''): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${does}\n`);
  chmodSync(path, mode);
  return path;
};

it('the environment comes first, then the PATH', () => {
  const named = program('my-chrome');
  const onPath = program(process.platform === 'win32' ? 'chromium.exe' : 'chromium');
  const PATH = [join(folder, 'nothing-here'), folder].join(delimiter);
  expect(findChrome({ PATH })).toBe(onPath);
  expect(findChrome({ PATH, CHROME_PATH: named })).toBe(named);
  expect(findChrome({ PATH, CHROME_PATH: onPath, PUPPETEER_EXECUTABLE_PATH: named })).toBe(named);
  expect(findChrome({ PATH, CHROME_PATH: '' })).toBe(onPath);
});

it('Firefox is looked for by its own names', () => {
  const named = program('my-firefox');
  const onPath = program(process.platform === 'win32' ? 'firefox-esr.exe' : 'firefox-esr');
  expect(findFirefox({ PATH: folder, CHROME_PATH: named })).toBe(onPath);
  expect(findFirefox({ PATH: folder, FIREFOX_PATH: named })).toBe(named);
});

it.skipIf(process.platform === 'win32')('a Firefox from before WebGPU is as good as none', () => {
  const saying = (version: string) => ({ FIREFOX_PATH: program('old-firefox', 0o755, `echo "Mozilla Firefox ${version}"`) });
  expect(hasFirefox(saying('140.12.0esr'))).toBe(false);
  expect(() => requireFirefox(saying('140.12.0esr'))).toThrow(/is Firefox 140, which has no WebGPU. Update it to 141 or later/);
  expect(hasFirefox(saying('153.7.0esr'))).toBe(true);
  expect(requireFirefox(saying('141.0'))).toBe(join(folder, 'old-firefox'));
  expect(hasFirefox({ FIREFOX_PATH: program('silent') })).toBe(true);
});

it('a path in the environment that is no program is said, not passed over', () => {
  const CHROME_PATH = join(folder, 'gone');
  expect(() => findChrome({ CHROME_PATH })).toThrow(NoBrowserError);
  expect(() => findChrome({ CHROME_PATH })).toThrow(`CHROME_PATH is ${CHROME_PATH}`);
});

it('a file that cannot be run is passed over on the PATH', () => {
  const empty = mkdtempSync(join(tmpdir(), 'chrome-'));
  writeFileSync(join(empty, 'chromium'), '', { mode: 0o644 });
  expect(findChrome({ PATH: empty })).not.toBe(join(empty, 'chromium'));
  rmSync(empty, { recursive: true });
});
