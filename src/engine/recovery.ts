/** An engine that outlives its GPU: loaded once more, from where the first one came, on another. */
import type { Config } from '../face/config.ts';
import { madeAtFirst, Recovery } from '../gpu/recovery.ts';
import { type ConfigOf, isRereadable, type Loaded, loadEngine } from './load.ts';
import { type LoadOptions, loadOptionsOf } from './options.ts';

/** See `FaceXFormer.load`. */
export async function loadLasting<Kind extends Config>(given: LoadOptions, configOf: ConfigOf<Kind>): Promise<Recovery<Loaded<Kind>>> {
  const options = loadOptionsOf(given); // keeps the opened weights
  const never = (): string | undefined => {
    if (options.device) return "The device is the app's own: make another, and load the engine on it.";
    if (options.recover === false) return 'It was loaded with `recover: false`: load it again.';
    return isRereadable(options) ? undefined : 'The weights came from where they can be read only once: load the engine again.';
  };
  const make = (signal: AbortSignal | undefined, before?: Loaded<Kind>) => loadEngine(options, configOf, signal, before);
  const first = await madeAtFirst(make, options.signal, () => never() === undefined);
  const why = never();
  return new Recovery(first, why === undefined ? make : { never: why });
}
