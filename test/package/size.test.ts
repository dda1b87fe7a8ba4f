/** What an app that uses the engine must carry, WGSL and all. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { build } from '../../scripts/build.mjs';
import { root } from '../../src/cli/root.ts';

it('the library is at most 90 kB, 28 kB with gzip', async () => {
  await build();
  const dist = join(root, 'dist');
  const files = readdirSync(dist).filter((name) => name === 'index.js' || /^shared-\w+\.js$/.test(name));
  const code = files.map((name) => readFileSync(join(dist, name), 'utf8').replace(/\/\/# sourceMappingURL=.*\n?$/, ''));
  expect(code.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(90_000);
  expect(code.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0)).toBeLessThanOrEqual(28_000);
});
