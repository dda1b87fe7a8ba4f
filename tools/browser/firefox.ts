/** Finds Firefox on this machine. None is installed where none is: nothing here needs it, but who asks for it by name. */
import { spawnSync } from 'node:child_process';
import { findProgram, NoBrowserError, type Program } from './find.ts';

const FIREFOX: Program = {
  variables: ['FIREFOX_PATH'],
  names: ['firefox', 'firefox-esr'],
  places: {
    linux: ['/usr/bin/firefox', '/usr/bin/firefox-esr', '/snap/bin/firefox'],
    darwin: ['/Applications/Firefox.app/Contents/MacOS/firefox'],
    win32: ['%ProgramFiles%\\Mozilla Firefox\\firefox.exe', '%ProgramFiles(x86)%\\Mozilla Firefox\\firefox.exe'],
  },
};

/** Path of a Firefox: named by the environment, on the PATH, or in a usual place. */
export const findFirefox = (env: NodeJS.ProcessEnv = process.env): string | undefined => findProgram(FIREFOX, env);

/** The first version that has WebGPU in its releases. */
const SINCE = 141;

/** Its version, as it says itself; undefined where it says none, as on Windows. */
function versionOf(path: string): number | undefined {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  const version = /Firefox (\d+)/.exec(stdout ?? '')?.[1];
  return version === undefined ? undefined : Number(version);
}

/** Whether there is one that is not too old. */
export function hasFirefox(env: NodeJS.ProcessEnv = process.env): boolean {
  const found = findFirefox(env);
  return found !== undefined && (versionOf(found) ?? SINCE) >= SINCE;
}

export function requireFirefox(env: NodeJS.ProcessEnv = process.env): string {
  const found = findFirefox(env);
  if (!found) throw new NoBrowserError(`No Firefox was found. Install version ${SINCE} or later, or set FIREFOX_PATH to one.`);
  const version = versionOf(found) ?? SINCE;
  if (version >= SINCE) return found;
  throw new NoBrowserError(
    `${found} is Firefox ${version}, which has no WebGPU. Update it to ${SINCE} or later, or set FIREFOX_PATH to one.`,
  );
}
