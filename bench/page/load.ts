/** The cold load, phase by phase. */
import { breathe } from '../../demo/dom.ts';
import { type Checkpoint, FaceXFormer, FaceXFormerError, type LoadOptions, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import type { OpenDevice } from './device.ts';
import type { Run } from './measure.ts';
import { NOTICE } from './result.ts';
import type { Settings } from './settings.ts';

/** `opening`: milliseconds that the device took. */
export async function loadEngine(
  { device, compiled }: OpenDevice,
  opening: number,
  { settings, signal, say, add }: Run,
): Promise<FaceXFormer> {
  const start = performance.now();
  let [planned, arrived] = [0, 0];
  say('Loading weights');
  const engine = await FaceXFormer.load({
    ...optionsOf(settings),
    device,
    ...(signal && { signal }),
    onProgress({ phase, loaded, total }) {
      const now = performance.now();
      if (phase === 'pipelines') planned ||= now;
      if (phase !== 'weights') return;
      arrived = now;
      say(loaded < total ? 'Loading weights' : 'Compiling kernels', loaded < total ? loaded / total : undefined);
    },
  });
  const end = performance.now();
  const dtype = 'dtype' in engine.info ? String(engine.info.dtype) : 'f32';
  if (settings.dtype !== 'auto' && settings.dtype !== dtype) {
    engine.dispose();
    throw new FaceXFormerError('BAD_OPTION', `This engine computes in ${dtype} here, not in ${settings.dtype}.`);
  }
  const { milliseconds: compile, pipelines } = compiled();
  const untrained = settings.weights === '';
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
    weights: { source: engine.info.weights, form: engine.info.form, untrained, dtype },
    ...(untrained && { notice: NOTICE }),
    tasks: engine.tasks,
    plan: engine.plan().totals,
  });
  return engine;
}

/** An engine that knows no `dtype` computes in f32 and leaves the option aside; see above for what it is then asked. */
const optionsOf = ({ form, seed, weights, tasks, dtype }: Settings): LoadOptions => ({
  weights: weights === '' ? breathing(seededCheckpoint(tensorsOf(form), seed)) : weights,
  ...(tasks.length > 0 && { tasks }),
  ...(dtype !== 'auto' && { dtype }),
});

/** Seeded weights are computed on this thread: a pause after each tensor keeps the page alive. */
function breathing(checkpoint: Checkpoint): Checkpoint {
  return {
    ...checkpoint,
    async *read(options) {
      for await (const tensor of checkpoint.read(options)) {
        yield tensor;
        await breathe();
      }
    },
  };
}
