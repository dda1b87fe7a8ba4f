/** The cold load, phase by phase. */

import { FaceXFormer, type LoadOptions } from '../../src/index.ts';
import { seededWeights } from '../../tools/page/seeded.ts';
import type { OpenDevice } from './device.ts';
import { NOTICE } from './result.ts';
import type { Run } from './run.ts';
import type { Settings } from './settings.ts';

/** `opening`: milliseconds that the device took. */
export async function loadEngine(
  { device, compiled }: OpenDevice,
  opening: number,
  { settings, signal, say, add }: Run,
): Promise<FaceXFormer> {
  const start = performance.now();
  let [planned, arrived] = [0, 0];
  const untrained = settings.weights === '';
  const phaseOfWeights = untrained ? 'Making untrained weights' : 'Loading weights';
  say(phaseOfWeights);
  const engine = await FaceXFormer.load({
    ...optionsOf(settings),
    device,
    ...(signal && { signal }),
    onProgress({ phase, loaded, total, fraction }) {
      if (phase === 'pipelines') planned ||= performance.now();
      if (phase === 'weights') arrived = performance.now();
      say(phase === 'weights' && loaded < total ? phaseOfWeights : 'Compiling kernels', fraction);
    },
  });
  const end = performance.now();
  const { milliseconds: compile, pipelines } = compiled();
  add({
    load: {
      device: opening,
      plan: planned - start,
      weights: arrived - planned,
      rest: end - arrived,
      total: opening + end - start,
      compile,
      pipelines,
    },
    weights: { source: engine.info.weights, form: engine.info.form, encoder: engine.info.backbone, untrained, dtype: engine.info.dtype },
    ...(untrained && { notice: NOTICE }),
    tasks: engine.tasks,
    plan: engine.plan().totals,
  });
  return engine;
}

const optionsOf = ({ form, encoder, seed, weights, tasks, dtype }: Settings): LoadOptions => ({
  weights: weights === '' ? seededWeights(form, seed, encoder) : weights,
  ...(tasks.length > 0 && { tasks }),
  dtype,
});
