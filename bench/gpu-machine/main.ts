/** One step on the GPU of this machine, through Dawn in Node: `node main.mjs FOLDER STEP`. What it finds goes to STEP.json in $OUT. */
import { writeFileSync } from 'node:fs';
import { create, globals } from 'webgpu';
import { SEED } from '../../tools/reference.ts';
import { prepare } from '../peers/prepare.ts';
import { measureEncoders } from './encoders.ts';
import { measureEngine, portrait } from './engine.ts';
import type { Note } from './note.ts';
import { checkRobustness } from './robust.ts';
import { measureRoof } from './roof.ts';
import { searchShapes } from './search.ts';

const [folder = '.', step = ''] = process.argv.slice(2);
const out = process.env['OUT'] ?? '.';
const found: Record<string, unknown> = { commit: COMMIT };

const note: Note = (name, value, words = JSON.stringify(value)) => {
  found[name] = value;
  writeFileSync(`${out}/${step}.json`, JSON.stringify(found, null, 1));
  console.log(`${(performance.now() / 1000).toFixed(1)} s  ${name}: ${words}`);
};

function startDawn(): GPU {
  Object.assign(globalThis, globals);
  const gpu = create(['backend=vulkan', 'enable-dawn-features=allow_unsafe_apis', 'disable-dawn-features=timestamp_quantization']);
  Object.assign(globalThis, { dawn: gpu }); // its devices die with it, and nothing else holds it
  return gpu;
}

/** A device with all that the engine can use, and a clock that is not rounded: for measuring only, no page has that. */
async function openDevice(gpu = startDawn()): Promise<GPUDevice> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('Dawn finds no GPU: is there a Vulkan driver (VK_DRIVER_FILES)?');
  const { vendor, architecture, description } = adapter.info;
  note('adapter', { vendor, architecture, description, features: [...adapter.features] }, `${vendor} ${architecture} ${description}`);
  const wanted: GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups'];
  return adapter.requestDevice({ requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)) });
}

const limit = 1000 * Number(process.env['SECONDS_OF_SEARCH'] ?? 60);
const steps: Record<string, () => Promise<void>> = {
  roof: async () => measureRoof(await openDevice(), note),
  engine: async () => measureEngine(await openDevice(), note, { form: 'released', dtype: 'f32', folder, out, step }),
  paper: async () => measureEngine(await openDevice(), note, { form: 'paper', dtype: 'f32', folder, out, step }),
  f16: async () => measureEngine(await openDevice(), note, { form: 'released', dtype: 'f16', folder, out, step }),
  encoders: async () => measureEncoders(openDevice, note, { folder, out, chosen: process.env['ENCODERS'] ?? '' }),
  robust: async () => {
    const gpu = startDawn();
    await checkRobustness({ gpu, device: await openDevice(gpu), picture: portrait(folder), folder }, note);
  },
  gemm: async () => searchShapes(await openDevice(), note, { kernel: 'matmul', limit, out, step }),
  conv: async () => searchShapes(await openDevice(), note, { kernel: 'conv', limit, out, step }),
  export: async () => note('files', await prepare('released', SEED, `${folder}/files`)),
};

const run = steps[step];
if (!run) throw new Error(`There is no step ${step}; there are ${Object.keys(steps).join(', ')}.`);
await run();
process.exit(0); // Dawn leaves threads behind
