/** The tools that apps are built and tested with: beyond the project's own, they are installed from a lockfile of their own when a test asks. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../tools/root.ts';
import { run } from './consumer.ts';

const from = join(root, 'test', 'package', 'tools');
const folder = join(root, '.cache', 'consumer-tools');
const FILES = ['package.json', 'package-lock.json'];

/** Installs them, unless the lockfile's are there. */
export async function installTools(): Promise<void> {
  const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
  const marker = join(folder, 'node_modules', '.of-lock.json');
  if (textOf(marker) === textOf(join(from, 'package-lock.json'))) return;
  mkdirSync(folder, { recursive: true });
  for (const name of FILES) copyFileSync(join(from, name), join(folder, name));
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder });
  copyFileSync(join(from, 'package-lock.json'), marker);
}

/** A file of a tool's package. */
export const toolFile = (...path: string[]): string => join(folder, 'node_modules', ...path);
