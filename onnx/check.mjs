/** Exports a form with seeded weights and holds onnxruntime-node's CPU answers against the reference run. */
import { rmSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { load, root } from '../tools/load.mjs';
import { parse, refuse } from '../tools/usage.mjs';

const FORMS = ['released', 'paper'];
/** The paper form on these. */
const ENCODERS = ['convnext_b', 'resnet101', 'mobilenet_v3_large'];
const ALL = [...FORMS, ...ENCODERS];
const USAGE = `node onnx/check.mjs [${ALL.join('|')} ...] [--keep]

  --keep   leave the ONNX files in .cache/onnx
Both forms, and the paper's on every encoder, unless named. Exit code 1 when an output is off by more than NMSE 1e-7.
Needs about 1.5 GB of memory and 0.4 GB of disk in .cache/.`;
const { values, positionals } = parse(USAGE, { keep: { type: 'boolean', default: false } });
for (const name of positionals) if (!ALL.includes(name)) refuse(`There is no form or encoder ${name}; there are ${ALL.join(', ')}.`);

const { reference, encoderReference, SEED } = await load('tools/fixtures.ts');
const { exportOnnx, nmse, seededCheckpoint, tensorsOf } = await load('onnx/index.ts');

const BOUND = 1e-7;

async function check(name, keep) {
  const isForm = FORMS.includes(name);
  const { pixels, outputs: expected } = isForm ? reference(name) : encoderReference(name);
  const tensors = isForm ? tensorsOf(name) : tensorsOf('paper', { backbone: name });
  const out = `${root}.cache/onnx/${name}-seeded.onnx`;
  let started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(2);
  const bytes = await exportOnnx({ checkpoint: seededCheckpoint(tensors, SEED), out });
  console.log(
    `${name}: wrote ${(bytes / 1e6).toFixed(1)} MB in ${seconds()} s, peak memory ${(process.resourceUsage().maxRSS / 1e3).toFixed(0)} MB`,
  );
  started = performance.now();
  const session = await ort.InferenceSession.create(out, { executionProviders: ['cpu'] });
  console.log(`${name}: loaded in ${seconds()} s`);
  started = performance.now();
  const outputs = await session.run({ pixels: new ort.Tensor('float32', pixels, [1, 3, 224, 224]) });
  console.log(`${name}: first run in ${seconds()} s`);
  let good = true;
  for (const [task, { shape, step, values }] of expected) {
    const got = outputs[task];
    const error = got && got.dims.join() === shape.join() ? nmse(got.data, values, step) : Number.NaN;
    if (!(error <= BOUND)) good = false;
    console.log(`${error <= BOUND ? 'ok  ' : 'FAIL'} ${task.padEnd(14)} nmse ${error.toExponential(2)}`);
  }
  await session.release();
  if (!keep) rmSync(out);
  return good;
}

for (const name of positionals.length > 0 ? positionals : ALL) if (!(await check(name, values.keep))) process.exitCode = 1;
