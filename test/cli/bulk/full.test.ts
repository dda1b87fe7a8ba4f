/** A disk that fills up while `annotate` or `evaluate` writes: it is told, what stands is whole, and the work goes on once there is room. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { root } from '../../../tools/root.ts';
import type { Found } from './full.ts';

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

it.skipIf(!canMount)('a full disk ends the work with LIMIT, and costs nothing of what was done', () => {
  const folder = mkdtempSync(join(tmpdir(), 'full-'));
  for (const name of ['pictures', 'faces']) mkdirSync(join(folder, name));
  for (let i = 0; i < 30; i++) {
    const png = new PNG({ width: 8, height: 8 });
    png.data.fill(i);
    const bytes = PNG.sync.write(png);
    writeFileSync(join(folder, 'pictures', `${10 + i}.png`), bytes);
    writeFileSync(join(folder, 'faces', `${10 + i}_0_1_2017.jpg`), bytes);
  }
  const script = `import { load } from ${JSON.stringify(join(root, 'tools/load.mjs'))};
    const { onAFullDisk } = await load('test/cli/bulk/full.ts');
    console.error(JSON.stringify(await onAFullDisk()));`;
  writeFileSync(join(folder, 'script.mjs'), script);
  const command = `mount -t tmpfs -o size=1m none /mnt && ${process.execPath} script.mjs`;
  const { stderr } = spawnSync('unshare', ['-m', 'bash', '-c', command], { cwd: folder, encoding: 'utf8' });
  expect(stderr).toMatch(/^\{/);
  const found: Record<string, Found> = JSON.parse(stderr);
  const ended = (counted: number) => ({
    said: expect.stringMatching(/^FaceXFormerError LIMIT: There is no room on the disk for \/mnt\/out(\.progress)?\.$/),
    counted,
    stood: true,
    left: ['out', 'out.progress'],
    whole: true,
  });
  expect(found).toEqual({
    'annotate, at its first lines': ended(0),
    'annotate, on its way': ended(expect.toSatisfy((bytes) => bytes > 0)),
    'evaluate, at its first lines': ended(0),
  });
  rmSync(folder, { recursive: true });
});
