/** How long loading takes: making the parameters, by kind and without a GPU; and a whole load from a file, beside other checkouts'. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { load, root } from '../../tools/load.mjs';
import { parse } from '../../tools/usage.mjs';
import { wgslForEsbuild } from '../../tools/wgsl.mjs';

const USAGE = `npm run bench:loading -- [CHECKOUT...] [--form released|paper] [--dtype f32|f16] [--from file|blob] [--times N] [--cold]

Makes every parameter of the form from seeded weights and says what took how long. With other checkouts of the project, whose packages are
installed, it then loads a file of these weights on lavapipe in Node, N times (3) here and in each of them, in turns, as the command line reads it or as
Node's Blob, and asks for a first answer: the driver compiles much when a kernel first runs. With --cold it finds nothing that it compiled before.`;

const { values, positionals } = parse(USAGE, {
  form: { type: 'string', default: 'released' },
  dtype: { type: 'string', default: 'f32' },
  from: { type: 'string', default: 'file' },
  times: { type: 'string', default: '3' },
  cold: { type: 'boolean', default: false },
});
const { makeParameters, weightsFile } = await load('bench/loading/parameters.ts');
makeParameters(values.form, values.dtype);

if (positionals.length > 0) {
  mkdirSync(`${root}.cache/loading`, { recursive: true });
  const file = `${root}.cache/loading/${values.form}.safetensors`;
  if (!existsSync(file)) await weightsFile(values.form, file);
  const reader = await built(`${root}tools/read.ts`, `${root}.cache/loading/read.mjs`);
  const engines = [];
  for (const checkout of [root, ...positionals.map((path) => `${resolve(path)}/`)])
    engines.push({ checkout, engine: await built(`${checkout}src/index.ts`, `${checkout}.cache/loading/engine.mjs`), all: [] });
  for (let n = 0; n < Number(values.times); n++) for (const { engine, all } of engines) all.push(loaded(engine, reader, file));
  for (const { checkout, all } of engines) {
    const least = (of) => Math.min(...all.map((one) => one[of])).toFixed(2);
    console.log(
      `${checkout}: ready in ${all.map(({ ready }) => ready.toFixed(2)).join(', ')} s; at best ${least('ready')} s, and ${least('cpu')} s of the processor; first answer after ${least('first')} s`,
    );
  }
}

async function built(source, outfile) {
  const options = { bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error', plugins: [wgslForEsbuild] };
  await build({ ...options, entryPoints: [source], outfile });
  return outfile;
}

function loaded(engine, reader, file) {
  const args = [`${root}bench/loading/child.mjs`, engine, reader, file, values.dtype, values.from];
  const env = { ...process.env, ...(values.cold && { MESA_SHADER_CACHE_DISABLE: 'true' }) };
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env }).trim().split('\n').at(-1));
}
