/** How long each kernel of a plan takes, by the GPU's own clock. */
import { dispatch } from '../gpu/pipelines.ts';
import { pipelineKey } from '../kernels/kernel.ts';
import type { Plan } from './plan.ts';
import type { Program, Step } from './program.ts';
import { passTimer } from './timer.ts';

/** The dispatches of a frame that run the same pipeline on the same grid, timed together. */
export interface KernelTime {
  readonly kernel: string;
  /** What tells its pipeline from others of the kernel: machine shape and constants. */
  readonly pipeline: string;
  readonly workgroups: readonly [number, number, number];
  /** Nodes of the plan. A frame runs as many dispatches of this kind. */
  readonly nodes: readonly string[];
  /** How long one dispatch takes. */
  readonly milliseconds: number;
  /** How many dispatches the measurement took. */
  readonly repeats: number;
  /** Floating-point operations and bytes of one dispatch (their mean, where operands differ). */
  readonly flops: number;
  readonly bytes: number;
}

/**
 * Runs a frame, then every pipeline on each of its grids. Repeats go round the dispatches that share one, so that each finds other weights,
 * as in a frame; what a single dispatch repeats may stay in the GPU's cache. The activations hold nothing of use afterwards.
 * @throws FaceXFormerError BAD_OPTION where the device was made without `timestamp-query`, GPU_ERROR
 */
export async function profile(program: Program): Promise<KernelTime[]> {
  const { device, plan } = program;
  const timer = passTimer(device);
  try {
    const encoder = device.createCommandEncoder({ label: 'profile' });
    program.encode(encoder); // real values in the buffers, and the newest picture bound
    device.queue.submit([encoder.finish()]);
    const times: KernelTime[] = [];
    for (const group of groupsOf(plan)) {
      const steps = group.map((i) => program.steps[i] as Step);
      const { kernel, launch } = (steps[0] as Step).dispatch;
      const { milliseconds, repeats } = await timer.measure((pass, n) => {
        const { pipeline, bindGroup } = steps[n % steps.length] as Step;
        dispatch(pass, pipeline, bindGroup, launch.workgroups);
      });
      const mean = (value: (step: Step) => number) => steps.reduce((sum, step) => sum + value(step), 0) / steps.length;
      times.push({
        kernel: kernel.name,
        pipeline: pipelineKey(kernel, launch).slice(kernel.name.length + 1),
        workgroups: launch.workgroups,
        nodes: steps.map(({ dispatch }) => dispatch.node),
        milliseconds,
        repeats,
        flops: mean(({ dispatch }) => dispatch.flops),
        bytes: mean(({ dispatch }) => dispatch.bytes),
      });
    }
    return times;
  } finally {
    timer.destroy();
  }
}

/** Numbers of the dispatches that share a pipeline and a grid, in the order of their first. */
export function groupsOf({ dispatches }: Pick<Plan, 'dispatches'>): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, { kernel, launch }] of dispatches.entries()) {
    const key = `${pipelineKey(kernel, launch)} @ ${launch.workgroups}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return [...groups.values()];
}
