/** A side, started by child.mjs: onnxruntime-node on the provider that the job names, `webgpu` or `cpu`. */
import { writeSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { answer, readJob } from './child.mjs';

const STDERR = 2;
/** Severity of the log: everything, dispatches too, or errors only. */
const LOG = { webgpu: 1, cpu: 3 };

const job = readJob();
let started = performance.now();
const seconds = () => (performance.now() - started) / 1000;
const session = await ort.InferenceSession.create(job.model, {
  executionProviders: [job.provider],
  logSeverityLevel: LOG[job.provider],
  intraOpNumThreads: job.threads,
});
const load = seconds();
const frames = [];
let outputs = {};
for (let i = 0; i < job.frames; i++) {
  if (i === job.frames - 1) writeSync(STDERR, `${job.lastFrame}\n`);
  started = performance.now();
  outputs = await session.run({ pixels: new ort.Tensor('float32', job.pixels, [1, 3, 224, 224]) });
  frames.push(seconds());
}
const backend = `${ort.env.versions.node}, ${job.provider === 'webgpu' ? 'WebGPU on lavapipe' : `CPU, ${job.threads} threads`}, Node ${process.versions.node}`;
answer(job, { backend, load, frames, outputs: new Map(Object.entries(outputs).map(([name, { data }]) => [name, data])) });
