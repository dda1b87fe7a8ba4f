/** Tuning as the engine does it: what is measured, what is kept between visits and for whom. */
import type { AdapterName, Gpu } from '../gpu/device.ts';
import { FaceXFormerError, gpuLost, throwIfAborted } from '../gpu/errors.ts';
import type { Choose } from '../graph/plan.ts';
import { forgetTuned, readTuned, writeTuned } from '../tune/store.ts';
import { Trials } from '../tune/trials.ts';
import { type Choices, choicesOf, chooserOf, tunablesOf, tuneShapes } from '../tune/tune.ts';
import { VERSION } from '../version.ts';
import type { Loaded } from './load.ts';
import type { EngineDtype, TuneOptions, TuneReport } from './options.ts';

/** Whose choices they are: in another browser version, or of another engine, the same kernels may be other code. */
interface Kept {
  readonly browser: string;
  readonly engine: string;
  readonly choices: Choices;
}

/** Under what the choices for an adapter are kept. */
export function tuneKey({ vendor, architecture, description }: AdapterName, dtype: EngineDtype): string {
  return JSON.stringify([vendor, architecture, description, dtype]);
}

/** Name and major version as the user agent has them, `Chrome 156`; `Version` is Safari's. All of it where it names none. */
export function browserOf(userAgent: string): string {
  // In this order: most of them call themselves Chrome and Safari besides.
  for (const name of ['Edg', 'OPR', 'SamsungBrowser', 'Firefox', 'Chrome', 'Version']) {
    const version = new RegExp(`${name}/(\\d+)`).exec(userAgent)?.[1];
    if (version) return `${name} ${version}`;
  }
  return userAgent;
}

const thisBrowser = (): string => browserOf(globalThis.navigator?.userAgent ?? '');

/** The choices in what a store gave; undefined where it is damaged, or of another browser or engine. */
export function checkedChoices(kept: unknown, browser: string, engine = VERSION): Choices | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined;
  const { choices, ...of } = kept as Partial<Kept>;
  if (of.browser !== browser || of.engine !== engine) return undefined;
  if (typeof choices !== 'object' || choices === null || Array.isArray(choices)) return undefined;
  return Object.values(choices).every((name) => typeof name === 'string') ? choices : undefined;
}

/** What an earlier visit chose for this GPU, if it did; `forget` where it turns out to be of no use. */
export async function rememberedFor(
  { adapter, lanes }: Pick<Gpu, 'adapter' | 'lanes'>,
  dtype: EngineDtype,
): Promise<{ choices: Choices; choose: Choose; forget(): Promise<void> } | undefined> {
  const key = tuneKey(adapter, dtype);
  const choices = checkedChoices(await readTuned(key), thisBrowser());
  if (!choices) return undefined;
  return { choices, choose: chooserOf(choices, lanes), forget: () => forgetTuned(key) };
}

/** See `FaceXFormer.tune`. */
export async function tune({ gpu, dtype, tasks, parameters, programs, chosen }: Loaded, options: TuneOptions): Promise<TuneReport> {
  const { budget = 2000, signal, force = false } = options;
  if (!(typeof budget === 'number' && budget > 0))
    throw new FaceXFormerError('BAD_OPTION', `\`budget\` is ${budget}; it must be a number of milliseconds above 0.`);
  const start = performance.now();
  const tunables = tunablesOf(programs.plan(tasks, { untuned: true }), gpu.lanes);
  const trials = await Trials.on(parameters);
  const key = tuneKey(gpu.adapter, dtype);
  const kept = checkedChoices(await readTuned(key), thisBrowser());
  const known = { ...kept, ...chosen.choices };
  const open = trials.open.bind(trials);
  const shapes = await tuneShapes(tunables, { open, budget, known: force ? {} : known, signal }).finally(() => trials.destroy());
  if (gpu.lost.aborted) throw gpuLost('while it was measured'); // in vain
  throwIfAborted(signal);
  const choices = { ...known, ...choicesOf(shapes) }; // those of other tasks stay
  programs.adopt(chooserOf(choices, gpu.lanes));
  try {
    await programs.get({ tasks }); // compiled now, and not when the next frame waits
  } catch (error) {
    programs.adopt(chooserOf(chosen.choices, gpu.lanes));
    throw error;
  }
  chosen.choices = choices;
  const remembered = tunables.length > 0 && (await writeTuned(key, { browser: thisBrowser(), engine: VERSION, choices } satisfies Kept));
  const adopted = shapes.filter((one) => one.chosen !== one.default).length;
  return { adapter: gpu.adapter, dtype, budget, spent: performance.now() - start, shapes, adopted, remembered };
}
