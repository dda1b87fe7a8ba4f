/** What the GPU can do at best: multiply-adds, copying, and the least that a dispatch takes. */
import { passTimer } from '../../src/graph/timer.ts';
import { measureRoofline } from '../page/roofline.ts';
import type { Note } from './note.ts';

/** Touches a number a thread, so that each dispatch has to wait for the one before. */
const TOUCH = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64)
fn touch(@builtin(global_invocation_id) id: vec3u) {
  x[id.x] = x[id.x] * 0.5 + 1.0;
}`;
const MOST_GROUPS = 4096;

export async function measureRoof(device: GPUDevice, note: Note): Promise<void> {
  const roof = await measureRoofline(device, /llvmpipe|swiftshader/i.test(device.adapterInfo.description));
  note('roof', roof, `${(roof.gflops / 1000).toFixed(1)} TFLOP/s of multiply-adds, ${roof.gigabytesPerSecond.toFixed(0)} GB/s copied`);
  const module = device.createShaderModule({ code: TOUCH });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const buffer = device.createBuffer({ size: 4 * 64 * MOST_GROUPS, usage: GPUBufferUsage.STORAGE });
  const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] });
  const timer = passTimer(device);
  for (const groups of [1, 132, MOST_GROUPS]) {
    const { milliseconds } = await timer.measure((pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(groups);
    });
    const name = `a dispatch of ${groups} workgroups that waits for the one before, microseconds`;
    note(name, 1000 * milliseconds, (1000 * milliseconds).toFixed(2));
  }
}
