/** Exports a form with seeded weights and holds onnxruntime-node's CPU answers against the reference run. */
import { rmSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { load, root } from '../tools/load.mjs';
import { parse, refuse } from '../tools/usage.mjs';

const FORMS = ['released', 'paper'];
const USAGE = `node onnx/check.mjs [${FORMS.join('|')} ...] [--keep]

  --keep   leave the ONNX files in .cache/onnx
Both forms unless named. Exit code 1 when an output is off by more than NMSE 1e-7.
Needs about 1.5 GB of memory and 0.4 GB of disk in .cache/.`;
const { values, positionals } = parse(USAGE, { keep: { type: 'boolean', default: false } });
for (const form of positionals) if (!FORMS.includes(form)) refuse(`There is no form ${form}; there are ${FORMS.join(' and ')}.`);

const { reference, SEED } = await load('tools/fixtures.ts');
const { exportOnnx, nmse, seededCheckpoint, tensorsOf } = await load('onnx/index.ts');

const BOUND = 1e-7;

async function check(form, keep) {
  const { pixels, outputs: expected } = reference(form);
  const out = `${root}.cache/onnx/${form}-seeded.onnx`;
  let started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(2);
  const bytes = await exportOnnx({ checkpoint: seededCheckpoint(tensorsOf(form), SEED), out });
  console.log(
    `${form}: wrote ${(bytes / 1e6).toFixed(1)} MB in ${seconds()} s, peak memory ${(process.resourceUsage().maxRSS / 1e3).toFixed(0)} MB`,
  );
  started = performance.now();
  const session = await ort.InferenceSession.create(out, { executionProviders: ['cpu'] });
  console.log(`${form}: loaded in ${seconds()} s`);
  started = performance.now();
  const outputs = await session.run({ pixels: new ort.Tensor('float32', pixels, [1, 3, 224, 224]) });
  console.log(`${form}: first run in ${seconds()} s`);
  let good = true;
  for (const [name, { shape, step, values }] of expected) {
    const got = outputs[name];
    const error = got && got.dims.join() === shape.join() ? nmse(got.data, values, step) : Number.NaN;
    if (!(error <= BOUND)) good = false;
    console.log(`${error <= BOUND ? 'ok  ' : 'FAIL'} ${name.padEnd(14)} nmse ${error.toExponential(2)}`);
  }
  await session.release();
  if (!keep) rmSync(out);
  return good;
}

for (const form of positionals.length > 0 ? positionals : FORMS) if (!(await check(form, values.keep))) process.exitCode = 1;
