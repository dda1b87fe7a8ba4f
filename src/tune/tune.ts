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
  /** Settles when the compilers are done with the candidates, well or not. Until then the table's is run to keep the GPU's clock up. */
  readonly compiled?: Promise<unknown>;
  /**
   * Milliseconds of one dispatch.
   * @param share of a measurement's usual length
   * @throws FaceXFormerError GPU_ERROR where it does not compile or the GPU refuses it
   */
  time(candidate: Candidate, share?: number): Promise<number>;
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

/**
 * Measures shape after shape while the budget lasts. The next shapes' candidates compile while one is measured.
 * @throws FaceXFormerError ABORTED, GPU_ERROR where the table's own kernel fails
 */
export async function tuneShapes(tunables: readonly Tunable[], tuning: Tuning): Promise<TunedShape[]> {
  const { now = () => performance.now(), known = {}, signal, budget, open } = tuning;
  const end = now() + budget;
  const spent = () => now() >= end;
  const shapes: TunedShape[] = [];
  const unknown = tunables.filter(({ label, candidates }) => !candidates.some(({ name }) => name === known[label]));
  const opened = new Map<Tunable, Promise<Trial>>();
  const openOnce = (tunable: Tunable): Promise<Trial> => {
    const trial = opened.get(tunable) ?? open(tunable);
    trial.catch(() => {}); // told when its turn comes
    opened.set(tunable, trial);
    return trial;
  };
  try {
    for (const tunable of tunables) {
      throwIfAborted(signal);
      const before = tunable.candidates.find(({ name }) => name === known[tunable.label]);
      if (before) shapes.push(outcome(tunable, [], before, { measured: 'before', note: 'chosen before' }));
      else if (spent()) shapes.push(outcome(tunable, [], first(tunable), { measured: 'none', note: SPENT }));
      else {
        const trial = await openOnce(tunable);
        const next = unknown.indexOf(tunable) + 1;
        for (const one of unknown.slice(next, next + AHEAD)) void openOnce(one);
        shapes.push(await tuneShape(tunable, trial, { signal, spent }));
        opened.delete(tunable);
        trial.close();
      }
    }
    return shapes;
  } finally {
    for (const trial of opened.values()) await trial.then((one) => one.close()).catch(() => {});
  }
}

const SPENT = 'the budget was spent';
/** Shapes whose candidates compile while one is measured. */
const AHEAD = 2;
/** What is not so much faster than the table's choice is not worth leaving it. */
const LEAST_GAIN = 1.03;
/** Rounds of all candidates, in passes of a third of the usual length, and then of the fastest and the table's choice, in whole ones. */
const ROUNDS = 3;
const ROUGH = 1 / 3;
const AGAIN = 4;
/** A pass that takes less of the time of the one before, while the clock rises. */
const RISING = 0.95;
/** The share of the best one's speed that a candidate must have after a round to be measured in another. */
const FAR_BEHIND = 0.7;

/** What is adopted and remembered. What the budget left out is neither, and may be measured another time. */
export function choicesOf(shapes: readonly TunedShape[]): Choices {
  const decided = shapes.filter((one) => one.measured === 'all' || one.chosen !== one.default);
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

interface Turn {
  readonly signal: AbortSignal | undefined;
  readonly spent: () => boolean;
}

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

async function tuneShape(tunable: Tunable, trial: Trial, turn: Turn): Promise<TunedShape> {
  const race = new Race(trial, tunable.candidates, turn);
  await race.warmUp();
  await race.run(ROUNDS);
  for (const candidate of race.ranked()) {
    if (!(race.gain(candidate) >= LEAST_GAIN)) break;
    const wrong = await whatIsWrong(trial, candidate);
    if (typeof wrong === 'string') {
      race.drop(candidate, `computes something else: ${wrong}`);
      continue;
    }
    const from = race.rounds;
    await race.run(AGAIN, [first(tunable), candidate]);
    if (race.isFaster(candidate, from)) return race.outcome(tunable, candidate, wrong);
    if (!race.spent) race.drop(candidate, 'was no faster when measured again');
  }
  return race.outcome(tunable, first(tunable));
}

/** The error of a candidate that computes what the table's does, and in words what another one does. */
async function whatIsWrong(trial: Trial, candidate: Candidate): Promise<number | string> {
  const error = await unlessRefused(trial.error(candidate));
  if (typeof error !== 'number') return error.message;
  return error <= trial.bound ? error : `NMSE ${error.toExponential(1)}`;
}

/** The candidates of a shape, measured in turns: in each round all of them, so that a clock that rises or falls treats them alike. */
class Race {
  /** Milliseconds of each round that it was in. */
  readonly #times: ReadonlyMap<Candidate, Map<number, number>>;
  /** Those that are not dropped. */
  readonly #left: Set<Candidate>;
  readonly #notes: string[] = [];
  readonly #table: Candidate;
  rounds = 0;
  /** Whether the budget ended before the candidates were through. */
  spent = false;

  constructor(
    private readonly trial: Trial,
    candidates: readonly Candidate[],
    private readonly turn: Turn,
  ) {
    this.#table = candidates[0] as Candidate;
    this.#times = new Map(candidates.map((candidate) => [candidate, new Map()]));
    this.#left = new Set(candidates);
  }

  /** Runs the table's choice until all have been compiled and its time no longer falls: the clock of a GPU that waits does, and rises with work. */
  async warmUp(): Promise<void> {
    let compiling = true;
    const compiled = Promise.resolve(this.trial.compiled).finally(() => {
      compiling = false;
    });
    await Promise.race([compiled, Promise.resolve()]);
    let before = Number.POSITIVE_INFINITY;
    while (!this.turn.spent()) {
      throwIfAborted(this.turn.signal);
      const time = await this.trial.time(this.#table);
      if (!compiling && time >= RISING * before) return;
      before = time;
    }
  }

  /** So many rounds of these. After the first one those that are far behind need not go on. */
  async run(rounds: number, of?: readonly Candidate[]): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (const candidate of of ?? this.#left) {
        throwIfAborted(this.turn.signal);
        if (this.turn.spent()) {
          this.spent = true;
          this.#note(SPENT);
          return;
        }
        const best = Math.max(...this.ranked().map((one) => this.gain(one)));
        if (!of && candidate !== this.#table && this.gain(candidate) < best * FAR_BEHIND) continue;
        const time = this.trial.time(candidate, of ? 1 : ROUGH);
        const milliseconds = candidate === this.#table ? await time : await unlessRefused(time);
        if (typeof milliseconds === 'number') this.#timesOf(candidate).set(this.rounds, milliseconds);
        else this.drop(candidate, `was refused: ${milliseconds.message.split('\n')[0]}`);
      }
      this.rounds++;
    }
  }

  /** How many times as fast as the table's choice it is: in the middle of the rounds that had both. */
  gain(candidate: Candidate): number {
    return median(this.#gains(candidate));
  }

  /**
   * Whether it is faster in the rounds from that one on, and by more than they differ from one another. Those before, for which it was picked out as
   * the fastest, do not count: of several that are equal some one looks fast by chance.
   */
  isFaster(candidate: Candidate, from: number): boolean {
    const gains = this.#gains(candidate, from);
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
    const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1);
    return gains.length >= AGAIN && Math.min(mean, median(gains)) >= LEAST_GAIN && mean - 2 * Math.sqrt(variance / gains.length) > 1;
  }

  /** Those that were measured, the fastest first. */
  ranked(): Candidate[] {
    const measured = [...this.#left].filter((candidate) => this.#gains(candidate).length > 0);
    return measured.sort((a, b) => this.gain(b) - this.gain(a));
  }

  drop(candidate: Candidate, why: string): void {
    this.#note(`${candidate.name} ${why}`);
    this.#left.delete(candidate);
  }

  outcome(tunable: Tunable, chosen: Candidate, checked?: number): TunedShape {
    const times = tunable.candidates.flatMap((candidate) => {
      const all = [...this.#timesOf(candidate).values()];
      return all.length > 0 ? [{ candidate, milliseconds: median(all) }] : [];
    });
    const speedup = chosen === this.#table ? 1 : this.gain(chosen);
    const measured = this.spent ? 'some' : 'all';
    return outcome(tunable, times, chosen, { measured, note: this.#notes.join('; '), speedup, ...(checked !== undefined && { checked }) });
  }

  #note(words: string): void {
    if (!this.#notes.includes(words)) this.#notes.push(words);
  }

  #timesOf(candidate: Candidate): Map<number, number> {
    return this.#times.get(candidate) as Map<number, number>;
  }

  #gains(candidate: Candidate, from = 0): number[] {
    const table = this.#timesOf(this.#table);
    return [...this.#timesOf(candidate)].filter(([round]) => round >= from).map(([round, time]) => (table.get(round) as number) / time);
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
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
