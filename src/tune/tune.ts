/**
 * The tuner: measures the kernels that can do a dispatch, on the GPU that is there, and keeps the fastest whose numbers are right. What GPU
 * it measures on, and with what clock, is the trial's business (trials.ts).
 */
import { FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import type { Choose, Dispatch, Plan } from '../graph/plan.ts';
import { type Alternatives, alternativesTo, type Candidate } from './candidates.ts';

/** The dispatches of a frame that have one shape, and what can compute them. */
export interface Tunable extends Alternatives {
  readonly dispatches: readonly Dispatch[];
}

/** Names of candidates by the label of their shape: what is remembered. */
export type Choices = Readonly<Record<string, string>>;

/** What came of one shape. */
export interface TunedShape {
  readonly nodes: readonly string[];
  readonly shape: string;
  /** Milliseconds of one dispatch, in the order of measurement. */
  readonly tried: readonly { readonly name: string; readonly milliseconds: number }[];
  readonly chosen: string;
  /** The table's choice. */
  readonly default: string;
  /** How many times as fast the chosen one is as the table's; 1 where that was kept or nothing was measured. */
  readonly speedup: number;
  /** Normalised squared error of the chosen one against the table's; absent where that was kept. */
  readonly checked?: number;
  /** How many of the candidates; `before`: in an earlier call or visit. */
  readonly measured: 'all' | 'some' | 'none' | 'before';
  readonly note: string;
}

/** Runs the candidates of one shape. */
export interface Trial {
  /** Milliseconds of one dispatch. @throws FaceXFormerError GPU_ERROR where it does not compile or the GPU refuses it */
  time(candidate: Candidate): Promise<number>;
  /** Normalised squared error of its output against the table's, on the same inputs. */
  error(candidate: Candidate): Promise<number>;
  /** The error up to which numbers count as the same. */
  readonly bound: number;
  close(): void;
}

export interface Tuning {
  readonly open: (tunable: Tunable) => Promise<Trial>;
  /** Milliseconds after which no further candidate is begun. */
  readonly budget: number;
  /** What was chosen before, and need not be measured again. */
  readonly known?: Choices;
  readonly signal?: AbortSignal | undefined;
  readonly now?: () => number;
}

/** What is not so much faster than the table's choice is not worth leaving it: measurements differ by a few percent by themselves. */
const LEAST_GAIN = 1.03;

/**
 * The shapes of a plan that have a choice, those with the most multiply-adds of the frame first. The plan is one of the table's kernels.
 */
export function tunablesOf({ dispatches }: Pick<Plan, 'dispatches'>): Tunable[] {
  const found = new Map<string, Tunable & { dispatches: Dispatch[] }>();
  for (const dispatch of dispatches) {
    const alternatives = alternativesTo(dispatch);
    if (!alternatives || alternatives.candidates.length < 2) continue;
    const known = found.get(alternatives.label);
    if (known) known.dispatches.push(dispatch);
    else found.set(alternatives.label, { ...alternatives, dispatches: [dispatch] });
  }
  const macs = (tunable: Tunable) => tunable.dispatches.reduce((sum, { launch }) => sum + launch.macs, 0);
  return [...found.values()].sort((a, b) => macs(b) - macs(a));
}

/** Measures shape after shape while the budget lasts. @throws FaceXFormerError ABORTED, GPU_ERROR where the table's own kernel fails */
export async function tuneShapes(tunables: readonly Tunable[], tuning: Tuning): Promise<TunedShape[]> {
  const { now = () => performance.now(), known = {}, signal, budget } = tuning;
  const end = now() + budget;
  const shapes: TunedShape[] = [];
  for (const tunable of tunables) {
    throwIfAborted(signal);
    const before = tunable.candidates.find(({ name }) => name === known[tunable.label]);
    if (before) shapes.push(outcome(tunable, [], before, { measured: 'before', note: 'chosen before' }));
    else if (now() >= end) shapes.push(outcome(tunable, [], first(tunable), { measured: 'none', note: SPENT }));
    else shapes.push(await tuneShape(tunable, tuning.open, { signal, spent: () => now() >= end }));
  }
  return shapes;
}

const SPENT = 'the budget was spent';

/** What is adopted and remembered. What the budget left out is neither, and may be measured another time. */
export function choicesOf(shapes: readonly TunedShape[]): Choices {
  const decided = shapes.filter((one) => one.measured === 'all' || one.measured === 'before' || one.chosen !== one.default);
  return Object.fromEntries(decided.map(({ shape, chosen }) => [shape, chosen]));
}

/** The choices as a plan takes them. A name that no candidate has, of an older version perhaps, chooses nothing. */
export function chooserOf(choices: Choices): Choose {
  return (node) => {
    const alternatives = alternativesTo(node);
    const name = alternatives && Object.hasOwn(choices, alternatives.label) ? choices[alternatives.label] : undefined;
    return alternatives?.candidates.find((one) => one.name === name) ?? node;
  };
}

const first = ({ candidates }: Tunable): Candidate => candidates[0] as Candidate;

type Time = { candidate: Candidate; milliseconds: number };

function outcome(
  tunable: Tunable,
  times: readonly Time[],
  chosen: Candidate,
  { measured = 'all', note = '', speedup = 1, checked }: Partial<Pick<TunedShape, 'measured' | 'note' | 'speedup' | 'checked'>>,
): TunedShape {
  return {
    nodes: tunable.dispatches.map(({ node }) => node),
    shape: tunable.label,
    tried: times.map(({ candidate: { name }, milliseconds }) => ({ name, milliseconds })),
    chosen: chosen.name,
    default: first(tunable).name,
    speedup,
    ...(checked !== undefined && { checked }),
    measured,
    note,
  };
}

interface Turn {
  readonly signal: AbortSignal | undefined;
  readonly spent: () => boolean;
}

async function tuneShape(tunable: Tunable, open: Tuning['open'], { signal, spent }: Turn): Promise<TunedShape> {
  const trial = await open(tunable);
  try {
    const notes: string[] = [];
    let measured: TunedShape['measured'] = 'all';
    const times: Time[] = [{ candidate: first(tunable), milliseconds: await trial.time(first(tunable)) }];
    for (const candidate of tunable.candidates.slice(1)) {
      throwIfAborted(signal);
      if (spent()) {
        measured = 'some';
        notes.push(SPENT);
        break;
      }
      const milliseconds = await unlessRefused(trial.time(candidate));
      if (typeof milliseconds === 'number') times.push({ candidate, milliseconds });
      else notes.push(`${candidate.name} was refused: ${milliseconds.message.split('\n')[0]}`);
    }
    return { ...(await chosenOf(tunable, times, trial, notes)), measured };
  } finally {
    trial.close();
  }
}

/** The fastest that computes what the table's does, and is faster still when both are measured again. */
async function chosenOf(tunable: Tunable, times: readonly Time[], trial: Trial, notes: string[]): Promise<TunedShape> {
  const [table, ...others] = times as [Time, ...Time[]];
  for (const time of others.toSorted((a, b) => a.milliseconds - b.milliseconds)) {
    if (table.milliseconds < LEAST_GAIN * time.milliseconds) break;
    const checked = await unlessRefused(trial.error(time.candidate));
    if (!(typeof checked === 'number' && checked <= trial.bound)) {
      const what = typeof checked === 'number' ? `NMSE ${checked.toExponential(1)}` : checked.message;
      notes.push(`${time.candidate.name} computes something else: ${what}`);
      continue;
    }
    // The clock of a GPU that was idle rises while it works, which favours whoever comes later.
    const slow = Math.min(table.milliseconds, await trial.time(table.candidate));
    const speedup = slow / Math.min(time.milliseconds, await trial.time(time.candidate));
    if (speedup >= LEAST_GAIN) return outcome(tunable, times, time.candidate, { note: notes.join('; '), speedup, checked });
    notes.push(`${time.candidate.name} was no faster when measured again`);
  }
  return outcome(tunable, times, table.candidate, { note: notes.join('; ') });
}

/** A candidate that the GPU or its compiler refuses is no candidate; everything else that goes wrong ends the tuning. */
async function unlessRefused(given: Promise<number>): Promise<number | FaceXFormerError> {
  try {
    return await given;
  } catch (error) {
    if (error instanceof FaceXFormerError && error.code === 'GPU_ERROR') return error;
    throw error;
  }
}
