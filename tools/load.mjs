/** The project's TypeScript in a Node script: `await load('onnx/export.ts')` bundles the module into .cache/ and imports it. */
import { rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { wgslForEsbuild } from './wgsl.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

export async function load(path) {
  const outfile = `${root}.cache/load/${path.replaceAll('/', '.')}.${process.pid}.mjs`;
  const options = {
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
    sourcemap: 'inline',
  };
  const remove = () => rmSync(outfile, { force: true });
  process.once('exit', remove);
  await build({ ...options, entryPoints: [`${root}${path}`], outfile, plugins: [wgslForEsbuild], loader: { '.json': 'json' } });
  try {
    return await import(pathToFileURL(outfile));
  } finally {
    remove();
    process.removeListener('exit', remove);
  }
}
