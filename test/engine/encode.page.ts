/** The released form's fused plan, recorded again and again: JavaScript's share of a frame. */

import { loadEngine } from '../../src/engine/load.ts';
import { readConfig } from '../../src/face/config.ts';
import { seededCheckpoint, tensorsOf } from '../../src/index.ts';

/** Milliseconds of each of a number of recordings, which are then dropped: nothing runs. As many go before, until they are compiled. */
export async function recorded(frames: number): Promise<{ dispatches: number; milliseconds: number[] }> {
  const options = { weights: seededCheckpoint(tensorsOf('released')), plan: 'fused', dtype: 'f32' } as const;
  const { programs, tasks } = await loadEngine(options, readConfig);
  const program = await programs.get({ tasks });
  const milliseconds: number[] = [];
  for (let i = 0; i < 2 * frames; i++) {
    const start = performance.now();
    const encoder = program.device.createCommandEncoder();
    program.encode(encoder);
    encoder.finish();
    if (i >= frames) milliseconds.push(performance.now() - start);
    await new Promise((soon) => setTimeout(soon)); // as between frames: what was recorded goes to the GPU's process
  }
  return { dispatches: program.steps.length, milliseconds };
}
