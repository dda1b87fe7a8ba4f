/** What an app that uses the engine must carry, WGSL and all. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { build } from '../../scripts/build.mjs';
import { root } from '../../src/cli/root.ts';

/** What it weighs today, rounded up: growth is a decision, not an accident. */
const [BYTES, GZIPPED] = [118_000, 41_500];

it('an app on a GPU carries what is on record, and kernels for CPUs are a file of their own', async () => {
  await build();
  const dist = join(root, 'dist');
  const scripts = readdirSync(dist).filter((name) => name.endsWith('.js'));
  expect(scripts.filter((name) => name.startsWith('cpu-'))).toHaveLength(1);
  const files = scripts.filter((name) => name === 'index.js' || name.startsWith('chunk-'));
  const code = files.map((name) => readFileSync(join(dist, name), 'utf8').replace(/\/\/# sourceMappingURL=.*\n?$/, ''));
  expect(code.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(BYTES);
  expect(code.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0)).toBeLessThanOrEqual(GZIPPED);
});
