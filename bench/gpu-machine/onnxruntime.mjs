/** onnxruntime-node on the same network and weights, on the GPU's and the CPU's provider: `node onnxruntime.mjs FOLDER`. */
import { readdirSync, writeFileSync } from 'node:fs';
import ort from 'onnxruntime-node';

const [folder] = process.argv.slice(2);
const out = process.env.OUT ?? '.';
const CALLS = { webgpu: 60, cpu: 12 };
const WARM = 5;
const pixels = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i / 100));

const found = {};
for (const [provider, calls] of Object.entries(CALLS)) {
  try {
    found[provider] = await timed(provider, calls);
  } catch (error) {
    found[provider] = { failed: String(error).slice(0, 500) };
  }
  console.log(provider, JSON.stringify(found[provider]));
  writeFileSync(`${out}/onnxruntime.json`, JSON.stringify(found, null, 1));
}
process.exit(0); // providers leave threads behind

/** Milliseconds of loading, of the first call, and of those after the first few. */
async function timed(provider, calls) {
  let start = performance.now();
  const lap = () => {
    const took = performance.now() - start;
    start += took;
    return took;
  };
  const model = `${folder}/files/${readdirSync(`${folder}/files`).find((name) => name.endsWith('.onnx'))}`;
  const session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
  const load = lap();
  const times = [];
  for (let i = 0; i < calls; i++) {
    await session.run({ pixels: new ort.Tensor('float32', pixels, [1, 3, 224, 224]) });
    times.push(lap());
  }
  const steady = times.slice(WARM).sort((a, b) => a - b);
  return { load, first: times[0], p50: steady[steady.length >> 1], p95: steady[Math.floor(steady.length * 0.95)], least: steady[0] };
}
