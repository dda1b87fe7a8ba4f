/** The cold load, phase by phase. */

import type { Engine } from '../../src/engine/engine.ts';
import type { LoadOptions } from '../../src/index.ts';
import { type Kind, openEngine } from '../../tools/networks.ts';
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
): Promise<{ engine: Engine; kind: Kind }> {
  const start = performance.now();
  let [planned, arrived] = [0, 0];
  const untrained = settings.weights === '';
  const phaseOfWeights = untrained ? 'Making untrained weights' : 'Loading weights';
  say(phaseOfWeights);
  const opened = await openEngine({
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
  const { engine, kind } = opened;
  const { weights: source, dtype, backbone, side, fallback } = engine.info;
  const notice = [untrained ? NOTICE : '', fallback ? `Slower kernels run than those for this GPU. ${fallback}` : '']
    .filter(Boolean)
    .join(' ');
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
    weights: { source, form: kind, encoder: backbone, side, untrained, dtype },
    ...(notice && { notice }),
    tasks: engine.tasks,
    plan: engine.plan().totals,
  });
  return opened;
}

const optionsOf = ({ form, encoder, side, seed, weights, tasks, dtype }: Settings): LoadOptions => ({
  weights: weights === '' ? seededWeights(form, seed, encoder) : weights,
  ...(tasks.length > 0 && { tasks }),
  ...(side > 0 && { side }),
  dtype,
});
