/** Tuning as the engine does it: measured on its GPU, adopted for the next frame, and kept for the next visit. */
import { gpuLost, throwIfAborted } from '../gpu/errors.ts';
import { keepChoices, keptChoices } from '../tune/kept.ts';
import { Trials } from '../tune/trials.ts';
import { choicesOf, chooserOf, tunablesOf, tuneShapes } from '../tune/tune.ts';
import type { Loaded } from './load.ts';
import type { TuneOptions, TuneReport } from './options.ts';

/** See `FaceXFormer.tune`. */
export async function tune({ gpu, dtype, tasks, parameters, programs, chosen }: Loaded, options: TuneOptions): Promise<TuneReport> {
  const { budget = 2000, signal, force = false } = options;
  const start = performance.now();
  const tunables = tunablesOf(programs.plan(tasks, { untuned: true }));
  const trials = await Trials.on(parameters);
  const known = { ...(await keptChoices(gpu.adapter, dtype)), ...chosen.choices };
  const open = trials.open.bind(trials);
  const shapes = await tuneShapes(tunables, { open, budget, known: force ? {} : known, signal }).finally(() => trials.destroy());
  if (gpu.lost.aborted) throw gpuLost('while it was measured'); // in vain
  throwIfAborted(signal);
  const choices = { ...known, ...choicesOf(shapes) }; // those of other tasks stay
  programs.adopt(chooserOf(choices));
  try {
    await programs.get({ tasks }); // compiled now, and not when the next frame waits
  } catch (error) {
    programs.adopt(chooserOf(chosen.choices));
    throw error;
  }
  chosen.choices = choices;
  const remembered = tunables.length > 0 && (await keepChoices(gpu.adapter, dtype, choices));
  const adopted = shapes.filter((one) => one.chosen !== one.default).length;
  return { adapter: gpu.adapter, dtype, budget, spent: performance.now() - start, shapes, adopted, remembered };
}
