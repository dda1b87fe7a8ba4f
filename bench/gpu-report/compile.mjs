/**
 * Compiles one WGSL file to a compute pipeline, on whatever Vulkan driver the environment names, or on Windows' Direct3D:
 * `node compile.mjs FILE [TOGGLES]` with Dawn, which is Chrome's WebGPU, and `deno run compile.mjs FILE` with wgpu, which is Firefox's and comes
 * with Deno. Bounds are checked as there.
 * The drivers report what they made through their own logs; this adds a line `DRIVER {...}` and, where it fails, a line `FAILED ...`.
 * A program of its own, in plain JavaScript, because some drivers need it to run under another C library or processor (and Node 18).
 */
import { readFileSync, writeSync } from 'node:fs';

const [file, toggles = ''] = process.argv.slice(2);

/** Not console.log: that makes the pipe non-blocking, and a driver that prints much to it then fails. */
const print = (line) => writeSync(1, `${line}\n`);

function fail(error) {
  print(`FAILED ${String(error?.message ?? error).replace(/\s*\n\s*/g, ' | ')}`);
  process.exit(1);
}

async function dawn() {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const backend = process.platform === 'win32' ? 'd3d12' : 'vulkan';
  return create([`backend=${backend}`, `enable-dawn-features=${['allow_unsafe_apis', ...toggles.split(',').filter(Boolean)].join(',')}`]);
}

try {
  const { Deno, navigator } = globalThis;
  const adapter = await (Deno ? navigator.gpu : await dawn()).requestAdapter();
  if (!adapter) throw new Error('this Vulkan driver gives no adapter');
  const { vendor, architecture, device: name, description } = adapter.info;
  print(
    `DRIVER ${JSON.stringify({ vendor, architecture, name, description: Deno ? `${description}, Deno ${Deno.version.deno}` : description })}`,
  );
  const limits = ['maxComputeWorkgroupStorageSize', 'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX'];
  const device = await adapter.requestDevice({
    requiredFeatures: ['shader-f16', 'subgroups'].filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(limits.map((limit) => [limit, adapter.limits[limit]])),
  });
  device.pushErrorScope('validation');
  device.pushErrorScope('internal');
  const module = device.createShaderModule({ code: readFileSync(file, 'utf8') });
  device.createComputePipeline({ layout: 'auto', compute: { module } }); // not the Async one: dumps from Dawn's threads never return here
  const error = (await device.popErrorScope()) ?? (await device.popErrorScope());
  if (error) throw error;
} catch (error) {
  fail(error);
}
process.exit(0); // Dawn's threads would keep Node alive
