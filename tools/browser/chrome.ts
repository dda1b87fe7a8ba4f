/** Finds Chrome or Chromium on this machine, and installs one where none is. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer';
import { root } from '../root.ts';
import { findProgram, isExecutable, NoBrowserError, type Program } from './find.ts';

const CHROME: Program = {
  variables: ['PUPPETEER_EXECUTABLE_PATH', 'CHROME_PATH'],
  names: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'],
  places: {
    linux: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/opt/google/chrome/chrome', '/snap/bin/chromium'],
    darwin: [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    ],
    win32: ['%ProgramFiles%', '%ProgramFiles(x86)%', '%LocalAppData%'].flatMap((folder) => [
      `${folder}\\Google\\Chrome\\Application\\chrome.exe`,
      `${folder}\\Chromium\\Application\\chrome.exe`,
      `${folder}\\Microsoft\\Edge\\Application\\msedge.exe`,
    ]),
  },
};

/** Path of a Chrome or Chromium, Puppeteer's own if there is no other. */
export const findChrome = (env: NodeJS.ProcessEnv = process.env): string | undefined =>
  findProgram(CHROME, env) ?? inPuppeteersCache().find(isExecutable);

/** Finds Chrome or Chromium, or installs one: by apt-get on Debian as root, else by Puppeteer's own download. `say` is told before the wait. */
export function requireChrome(say: (line: string) => void): string {
  const found = findChrome();
  if (found) return found;
  const tried: string[] = [];
  for (const [how, install] of installers()) {
    say(`No Chrome or Chromium found; installing one (${how}), which may take a minute.`);
    const fault = install();
    const installed = findChrome();
    if (installed) return installed;
    tried.push(`${how}: ${fault ?? 'it left no browser that could be found'}`);
  }
  throw new NoBrowserError(
    `No Chrome or Chromium was found, and none could be installed.\n${tried.map((line) => `  ${line}\n`).join('')}` +
      'Install Google Chrome or Chromium, or set CHROME_PATH to one.',
  );
}

type Install = () => string | undefined;

function installers(): [string, Install][] {
  const ways: [string, Install][] = [];
  if (isDebian() && process.getuid?.() === 0) ways.push(['apt-get install chromium', installByApt]);
  ways.push(['puppeteer browsers install chrome', installByPuppeteer]);
  return ways;
}

function installByApt(): string | undefined {
  const apt = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  return attempt('apt-get', [...apt, 'update']) ?? attempt('apt-get', [...apt, 'install', '-y', '--no-install-recommends', 'chromium']);
}

function installByPuppeteer(): string | undefined {
  const cli = join(root, 'node_modules', 'puppeteer', 'lib', 'cjs', 'puppeteer', 'node', 'cli.js');
  return attempt(process.execPath, [cli, 'browsers', 'install', 'chrome']);
}

/** Runs a program; undefined when it succeeded, else the last line it said. */
function attempt(program: string, args: string[]): string | undefined {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env,
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  });
  if (status === 0) return undefined;
  return error?.message ?? (stderr || stdout).trim().split('\n').at(-1) ?? `exit code ${status}`;
}

const isDebian = () => existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));

function inPuppeteersCache(): string[] {
  try {
    return [puppeteer.executablePath()];
  } catch {
    return []; // nothing downloaded
  }
}
