/** Pickles that build as much as they can: read in a process whose memory is bounded. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'facexformer-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));

const SIMPLE = [
  'empty dicts',
  'empty lists',
  'empty tuples',
  'tuples of tuples',
  'marks',
  'nothing on a stack',
  'everything stored under its own',
];

it('24 MB of one opcode are refused in less than 320 MB of heap', async () => {
  const script = join(folder, 'read.mjs');
  const contents = `import { inMemory } from ${path('./in-memory.ts')};
    import { openTorch } from ${path('../../../cli/convert/torch.ts')};
    import { COSTS } from ${path('./costs.ts')};
    for (const name of ${JSON.stringify(SIMPLE)})
      await openTorch(inMemory(COSTS[name](24 << 20))).then(() => console.log('read'), (error) => console.log(error.code));`;
  const resolveDir = fileURLToPath(new URL('../../..', import.meta.url));
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await build({
    stdin: { contents, resolveDir, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    banner,
    logLevel: 'error',
    define: { 'import.meta.url': path('./mutate.ts').replace('"', '"file://') },
  });
  const run = spawnSync(process.execPath, ['--max-old-space-size=320', script], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.stdout.trim().split('\n')).toEqual(SIMPLE.map(() => 'BAD_WEIGHTS_FILE'));
});
