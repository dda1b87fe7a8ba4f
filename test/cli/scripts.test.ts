/** The Node scripts beside the command line: they say how they are called, and refuse a wrong call in one line. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../tools/root.ts';

function script(path: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(root, path), ...args], (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

describe.for([
  ['bench/peers/run.mjs', 'npm run bench:peers --'],
  ['bench/gpu-report/run.mjs', 'npm run gpu-report --'],
  ['onnx/check.mjs', 'node onnx/check.mjs'],
  ['scripts/kernels.mjs', 'node scripts/kernels.mjs'],
] as const)('%s', ([path, call]) => {
  it('--help', async () => {
    const { code, out, err } = await script(path, '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.startsWith(`${call} `)).toBe(true);
  });

  it('a wrong option', async () => {
    const { code, out, err } = await script(path, '--bogus');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^Unknown option '--bogus'.*\n$/);
  });
});

it.for(['facexformer', 'weights'])('npm run %s takes paths from where it was called', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'called-from-'));
  writeFileSync(join(folder, 'probe.pt'), 'no checkpoint');
  const env = { ...process.env, npm_lifecycle_event: name, INIT_CWD: folder };
  const args = [join(root, 'scripts/facexformer.mjs'), 'fetch', 'out.safetensors', '--from', 'probe.pt', '--any'];
  const err = await new Promise((resolve) => execFile(process.execPath, args, { cwd: root, env }, (_, __, said) => resolve(said)));
  rmSync(folder, { recursive: true });
  expect(err).toMatch(/^BAD_WEIGHTS_FILE/m);
});
