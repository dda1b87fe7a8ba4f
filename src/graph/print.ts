/** A plan as text, one line a dispatch, and as JSON. */
import { given } from '../gpu/given.ts';
import { constantsOf, sizeOf } from '../kernels/constants.ts';
import { type KernelText, type Launch, pipelineKey, specialise } from '../kernels/kernel.ts';
import type { Dispatch, Place, Plan, Slot } from './plan.ts';

const slotText = ({ slot, offset }: Slot): string => `slot ${slot}${offset > 0 ? ` from byte ${offset}` : ''}`;

function placeText(place: Place): string {
  if (place.kind !== 'slot') return place.kind === 'parameter' ? 'w' : place.name;
  return `#${place.slot}${place.offset > 0 ? `+${place.offset}` : ''}`;
}

function line(dispatch: Dispatch, i: number): string {
  const { node, kernel, launch, places, output } = dispatch;
  const operands = `${places.slice(0, -1).map(placeText).join(' ')} -> ${placeText(places.at(-1) as Place)}`;
  const columns = [
    String(i).padStart(3),
    kernel.name.padEnd(16),
    launch.workgroups.join('x').padStart(10),
    `[${output.join(',')}]`.padEnd(14),
    operands.padEnd(18),
    `${(launch.macs / 1e6).toFixed(1)}M`.padStart(8),
    node,
  ];
  return columns.join('  ').trimEnd();
}

const PLAN = 'This is no plan, as plan() of an engine gives it.';

/** Columns: number, kernel, workgroups, output's shape, buffers read and written, with their first byte (w: a parameter), multiply-adds, node. */
export const printPlan = (plan: Plan): string =>
  given(PLAN, () => {
    const { totals } = plan;
    const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
    return [
      ...plan.dispatches.map(line),
      '',
      `${totals.dispatches} dispatches of ${totals.pipelines} pipelines in 1 pass, 1 submit; ${(totals.macs / 1e9).toFixed(2)} G multiply-adds`,
      `activations ${mb(totals.activationBytes)} in ${plan.slots.length} buffers; weights ${mb(totals.weightBytes)} in ${plan.parameters.length}; read back ${(totals.readbackBytes / 1e3).toFixed(1)} kB`,
    ].join('\n');
  });

const WORKGROUP_SIZE = /@workgroup_size\(([^)]+)\)/;

/** How many threads a dispatch runs: the workgroups of the grid times the threads that the kernel's file gives each, as the machine shape has them. */
export function threadsOf({ kernel, launch }: { kernel: KernelText; launch: Launch }): number {
  const text = specialise(kernel, launch);
  const constants = constantsOf(text);
  const sizes = (WORKGROUP_SIZE.exec(text)?.[1] ?? '1').split(',');
  return [...launch.workgroups, ...sizes.map((size) => sizeOf(size, constants) ?? Number.NaN)].reduce((product, n) => product * n, 1);
}

/** The plan without functions and shader text: what a tool needs to draw, compare or check it. */
export const planJson = (plan: Plan): object =>
  given(PLAN, () => ({
    schema: 1,
    totals: { ...plan.totals, passes: 1, submits: 1 },
    slots: plan.slots,
    dispatches: plan.dispatches.map(({ node, kernel, launch, places, output, flops, bytes }) => ({
      node,
      kernel: kernel.name,
      pipeline: pipelineKey(kernel, launch),
      constants: launch.constants,
      machine: launch.machine ?? {},
      grid: launch.workgroups,
      threads: threadsOf({ kernel, launch }),
      reads: places.slice(0, -1).map((place) => (place.kind === 'slot' ? slotText(place) : place.name)),
      writes: slotText(places.at(-1) as Slot),
      output,
      flops,
      bytes,
    })),
    readbacks: plan.readbacks.map(({ name, shape, dtype, slot, offset, bytes }) => ({ name, shape, dtype, slot, offset, bytes })),
  }));
