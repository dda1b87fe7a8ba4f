/** What a run with these settings does and how long it takes, told before it is begun. */
import { titleOf } from '../../tools/networks.ts';
import { CALLS, IN_FLIGHT } from './measure.ts';
import type { BenchResult } from './result.ts';
import type { Settings } from './settings.ts';

/** What is known of the machine before it has run anything. */
export interface Ahead {
  readonly title: string;
  readonly software: boolean;
  /** A result of a software adapter: such adapters are about as slow as each other, as they are CPUs. */
  readonly example?: BenchResult | undefined;
}

/** Milliseconds of a face that no GPU of a computer should need more than, and of loading and all that is done once. */
const SLOW_GPU = 50;
const ONCE = 15_000;
/** Searches for faces, kernels and the distance from the reference take a software adapter about as long as so many calls each. */
const OTHER_PHASES = 3;

export function forecast({ form, batch, frames, weights, tasks, peers }: Settings, { title, software, example }: Ahead): string {
  const calls = frames || CALLS[software ? 'software' : 'gpu'];
  const times = calls === 1 ? 'once' : `${calls} times`;
  const kind = form === 'segface' ? titleOf(form) : `the ${titleOf(form)}`;
  const network = `${weights === '' ? `${kind} with seeded weights` : weights}${tasks.length > 0 ? `, only ${tasks.join(', ')}` : ''}`;
  const what =
    `Run loads ${network} on ${title}, then calls it ${times} each: one after the other, ${IN_FLIGHT} in flight, and on a video` +
    `${batch > 1 ? `, ${batch} faces a call` : ''}. It searches a picture for faces as often, times each kernel, and takes the distance from PyTorch’s answers` +
    `${peers.length > 0 ? `; then ${peers.join(', ')}, which may take much longer` : ''}.`;
  const face = software ? (example?.serial.latency.p50 ?? 5000) : SLOW_GPU;
  const once = software ? (example ? example.load.total + example.first : ONCE) : ONCE;
  const seconds = (once + face * batch * (3 * calls + (software ? 2 * calls + OTHER_PHASES : calls))) / 1000;
  const minutes = Math.ceil(seconds / 60);
  const long = minutes === 1 ? 'a minute' : `${minutes} minutes`;
  return `${what} ${software ? `About ${long}, or longer where the machine is busy: it is a software adapter, not a GPU.` : `Less than ${long}.`}`;
}
