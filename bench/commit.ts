/** Which state of the project a figure is of. */
import { execFileSync } from 'node:child_process';
import { root } from '../tools/root.ts';

/** The commit, with a word where files of the project differ from it. */
export function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? ' and changes' : '');
  } catch {
    return 'unknown'; // not a checkout
  }
}
