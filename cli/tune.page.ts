/** Tuning in the browser, as the command line calls it. */

import { seededCheckpoint } from '../src/checkpoint/seeded.ts';
import { FaceXFormer } from '../src/engine/facexformer.ts';
import type { LoadOptions, TuneReport } from '../src/engine/options.ts';
import { tensorsOf } from '../src/face/config.ts';
import type { Form } from '../src/face/forms.ts';

export interface TuneRequest {
  form: Form;
  seed: number;
  dtype: NonNullable<LoadOptions['dtype']>;
  plan: NonNullable<LoadOptions['plan']>;
  budget: number;
}

/** Tunes on a device with what the engine asks for, and with the GPU's clock where there is one. */
export async function tune({ form, seed, dtype, plan, budget }: TuneRequest): Promise<TuneReport> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  const features = (['timestamp-query', 'shader-f16', 'subgroups'] as const).filter((feature) => adapter?.features.has(feature));
  const device = await adapter?.requestDevice({ requiredFeatures: features });
  const engine = await FaceXFormer.load({ weights: seededCheckpoint(tensorsOf(form), seed), dtype, plan, ...(device && { device }) });
  const report = await engine.tune({ budget, force: true });
  engine.dispose();
  device?.destroy();
  return report;
}
