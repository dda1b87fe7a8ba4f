/** Finds Firefox on this machine. None is installed where none is: nothing here needs it, but who asks for it by name. */
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

export function requireFirefox(): string {
  const found = findFirefox();
  if (found) return found;
  throw new NoBrowserError('No Firefox was found. Install version 141 or later, or set FIREFOX_PATH to one.');
}
