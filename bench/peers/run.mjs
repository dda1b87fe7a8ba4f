/** The engine against onnxruntime: one run, one machine, the same weights and the same picture. */
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { load, root } from '../../tools/load.mjs';
import { parse, refuse } from '../../tools/usage.mjs';
import { runChild } from './child.mjs';

const { BOX, PICTURE, reference, SEED } = await load('tools/fixtures.ts');
const { agreement, failures, printComparison, writeReport } = await load('bench/peers/report.ts');

const USAGE = `npm run bench:peers -- [lavapipe] [swiftshader] [--form released|paper] [--frames N] [--only TEXT] [--json FILE]

  --form     of the seeded weights (default: released)
  --frames   beside the cold one (default: 3); one where a frame takes minutes
  --only     the sides whose name contains the text
  --json     a file for everything measured
Both comparisons run unless named. Exit code 1 when two sides disagree or the engine is slower than it has to be.`;
const THREADS = 2;
const FORMS = ['released', 'paper'];

/** `atLeast`: how many times faster than the side `against` the engine's steady frame has to be. */
const COMPARISONS = {
  lavapipe: {
    atLeast: 2,
    against: 'onnxruntime-node webgpu',
    sides: {
      engine: (job) => runChild('bench/peers/engine-node.mjs', job),
      'onnxruntime-node webgpu': (job) => runChild('bench/peers/onnxruntime-node.mjs', { ...job, provider: 'webgpu' }),
      'onnxruntime-node cpu': (job) => runChild('bench/peers/onnxruntime-node.mjs', { ...job, provider: 'cpu' }),
    },
  },
  swiftshader: {
    atLeast: 10,
    against: 'onnxruntime-web webgpu',
    sides: {
      engine: async (job) => (await load('bench/peers/browser.ts')).engine(job),
      'onnxruntime-web wasm': async (job) => (await load('bench/peers/browser.ts')).onnxruntimeWeb('wasm', job),
      'onnxruntime-web webgpu': async (job) =>
        (await load('bench/peers/browser.ts')).onnxruntimeWeb('webgpu', { ...job, frames: Math.min(job.frames, 2) }),
    },
  },
};

const { values: options, positionals } = parse(USAGE, {
  form: { type: 'string', default: 'released' },
  frames: { type: 'string', default: '3' },
  only: { type: 'string', default: '' },
  json: { type: 'string' },
});
const steady = Number(options.frames);
const names = positionals.length > 0 ? positionals : Object.keys(COMPARISONS);
if (!FORMS.includes(options.form)) refuse(`--form is ${options.form}; it must be ${FORMS.join(' or ')}.`);
if (!Number.isInteger(steady) || steady < 1) refuse(`--frames is ${options.frames}; it must be 1 or more.`);
for (const name of names)
  if (!COMPARISONS[name]) refuse(`There is no comparison ${name}; there are ${Object.keys(COMPARISONS).join(', ')}.`);

async function makeJob() {
  const { prepare } = await load('bench/peers/prepare.ts');
  const files = await prepare(options.form, SEED, `${root}.cache/peers`);
  const { width, height, data } = PNG.sync.read(readFileSync(PICTURE));
  const { pixels, outputs } = reference(options.form);
  return {
    ...files,
    picture: { width, height, data },
    box: BOX,
    pixels,
    frames: steady + 1,
    threads: THREADS,
    outputs: [...outputs.keys()],
  };
}

async function compare(name, job) {
  const { sides, ...bounds } = COMPARISONS[name];
  const expected = reference(options.form).outputs;
  const results = [];
  for (const [side, run] of Object.entries(sides)) {
    if (!side.includes(options.only)) continue;
    console.error(`${name}: ${side} ...`);
    results.push({ side, ...(await run(job)) });
  }
  return { name, ...bounds, sides: results, agreement: agreement(results, expected) };
}

const job = await makeJob();
const comparisons = [];
for (const name of names) {
  comparisons.push(await compare(name, job));
  printComparison(comparisons.at(-1));
}
if (options.json) writeReport(options.json, { form: options.form, seed: SEED, threads: THREADS }, comparisons);
const failed = comparisons.flatMap(failures);
for (const line of failed) console.log(`FAIL ${line}`);
process.exit(failed.length > 0 ? 1 : 0); // browsers and providers leave threads behind
