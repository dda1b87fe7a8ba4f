/** Seconds from a file of weights to an engine that is ready, of one checkout on lavapipe: `node child.mjs CHECKOUT FILE DTYPE FROM`. */
import { openAsBlob } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { load } from '../../tools/load.mjs';
import { dawnOn } from '../../tools/vulkan.mjs';
import { wgslForEsbuild } from '../../tools/wgsl.mjs';

const [checkout, file, dtype, from] = process.argv.slice(2);
const outfile = `${checkout}.cache/loading/engine.mjs`;
await build({
  entryPoints: [`${checkout}src/index.ts`],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'error',
  plugins: [wgslForEsbuild],
});
const { FaceXFormer } = await import(pathToFileURL(outfile));
const { streamOfFile } = await load('tools/read.ts'); // as the command line reads it
globalThis.dawn = await dawnOn('lavapipe');
const adapter = await globalThis.dawn.requestAdapter();
const device = await adapter.requestDevice({ requiredFeatures: dtype === 'f16' ? ['shader-f16'] : [] });
const cpu = process.cpuUsage();
const start = performance.now();
await FaceXFormer.load({ weights: from === 'blob' ? await openAsBlob(file) : streamOfFile(file), device, dtype });
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ ready: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 }));
process.exit(0); // Dawn leaves threads behind
