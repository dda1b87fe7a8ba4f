/** Where a frame's numbers were lost: asked after a frame whose results are none, of a program that runs once more for it. */
import { bindGroupOf, dispatch, Pipelines } from '../gpu/pipelines.ts';
import { readBack } from '../gpu/readback.ts';
import { refusalOf } from '../gpu/scope.ts';
import { lost } from '../kernels/lost.ts';
import { BINDING_ALIGNMENT } from './plan.ts';
import type { Program } from './program.ts';

/** Kernels that write words and no numbers. */
const WORDS = /read_write>\s*y\s*:\s*array<(atomic<)?(u32|vec\du|vec\d<u32>)/;

/**
 * The first dispatch of a frame whose output holds an infinity or what is no number: its node and its kernel. The frame is run again on what its
 * resources hold now; undefined where nothing is lost then. One submit, so that frames in flight keep what is theirs.
 * @throws FaceXFormerError GPU_ERROR, DEVICE_LOST
 */
export async function firstLost(program: Program): Promise<string | undefined> {
  const { device, steps, slots, plan } = program;
  const pipelines = new Pipelines(device);
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const found = device.createBuffer({ label: 'lost', size: BINDING_ALIGNMENT * plan.dispatches.length, usage: STORAGE | COPY_SRC });
  const read = device.createBuffer({ label: 'lost, read', size: found.size, usage: MAP_READ | COPY_DST });
  try {
    const launches = { f32: lost.launch({ dtype: 'f32' }), f16: lost.launch({ dtype: 'f16' }) };
    const [f32, f16] = await Promise.all([pipelines.get(lost, launches.f32), pipelines.get(lost, launches.f16)]);
    const encoder = device.createCommandEncoder({ label: 'lost' });
    for (const [i, { kernel, places }] of plan.dispatches.entries()) {
      const place = places.at(-1);
      program.encode(encoder, undefined, steps.slice(i, i + 1));
      if (place?.kind !== 'slot' || WORDS.test(kernel.wgsl)) continue;
      const pipeline = { f32, f16 }[place.dtype];
      const x = { buffer: slots[place.slot] as GPUBuffer, offset: place.offset, size: 4 * Math.floor(place.bytes / 4) };
      const bindGroup = bindGroupOf(device, 'lost', pipeline, [x, { buffer: found, offset: BINDING_ALIGNMENT * i, size: 4 }]);
      const pass = encoder.beginComputePass();
      dispatch(pass, pipeline, bindGroup, launches[place.dtype].workgroups);
      pass.end();
    }
    encoder.copyBufferToBuffer(found, 0, read, 0, found.size);
    const refused = refusalOf(device, () => device.queue.submit([encoder.finish()]));
    const words = await readBack(read, 'the search for what is lost', refused, (mapped) => new Uint32Array(mapped.slice(0)));
    const first = plan.dispatches.find((_, i) => words[(BINDING_ALIGNMENT / 4) * i] !== 0);
    return first && `${first.node} (${first.kernel.name})`;
  } finally {
    found.destroy();
    read.destroy();
  }
}
