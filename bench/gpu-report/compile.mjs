/**
 * Compiles one WGSL file to a compute pipeline with Dawn, on whatever Vulkan driver the environment names: `node compile.mjs FILE [TOGGLES]`.
 * The drivers report what they made through their own logs; this adds a line `DRIVER {...}` and, where it fails, a line `FAILED ...`.
 * A program of its own, in plain JavaScript, because some drivers need it to run under another C library or processor (and Node 18).
 */
import { readFileSync, writeSync } from 'node:fs';
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
const [file, toggles = ''] = process.argv.slice(2);

/** Not console.log: that makes the pipe non-blocking, and a driver that prints much to it then fails. */
const print = (line) => writeSync(1, `${line}\n`);

function fail(error) {
  print(`FAILED ${String(error?.message ?? error).replace(/\s*\n\s*/g, ' | ')}`);
  process.exit(1);
}

/** Array bounds that the driver checks itself are left to it: Dawn's own clamps would be measured with the kernel. */
const DAWN = ['allow_unsafe_apis', 'disable_robustness', ...toggles.split(',').filter(Boolean)];

try {
  const adapter = await create(['backend=vulkan', `enable-dawn-features=${DAWN.join(',')}`]).requestAdapter();
  if (!adapter) throw new Error('this Vulkan driver gives no adapter');
  const { vendor, architecture, device: name, description } = adapter.info;
  print(`DRIVER ${JSON.stringify({ vendor, architecture, name, description })}`);
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
