/** The command line's door: checks Node, bundles cli from the sources as they stand, and runs it. */
import { rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);

async function load() {
  const [{ build }, { wgslForEsbuild }] = await Promise.all([import('esbuild'), import('./wgsl.mjs')]);
  const outfile = `${root}.cache/cli/main-${process.pid}.mjs`;
  await build({
    entryPoints: [`${root}cli/main.ts`],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
    plugins: [wgslForEsbuild],
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile);
  }
}

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old; this needs 20.19 or later.`);
  process.exit(1);
}
// npm runs scripts in the project's folder; paths are meant from where the person is.
const SCRIPTS = ['facexformer', 'start', 'demo', 'weights', 'bench', 'bench:page']; // of package.json, that run this file
if (SCRIPTS.includes(process.env.npm_lifecycle_event) && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
try {
  process.setSourceMapsEnabled(true);
  const { main } = await load();
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.code === 'ERR_MODULE_NOT_FOUND' ? `${error.message}\nRun npm ci first.` : error);
  process.exitCode = 1;
}
