/** What a GPU refuses is told later and elsewhere than where it was asked: an error scope brings the two together. */
import { type FaceXFormerError, gpuError, noMemory } from './errors.ts';
import { PATIENCE, within } from './waiting.ts';

/**
 * Makes GPU calls without a pause, so that nobody else's get into the scope.
 * @returns what the GPU refused of them, once it is known; undefined where it took them all, as a lost device does. Nobody need await it.
 * @throws FaceXFormerError GPU_ERROR: the GPU does not say
 */
export function refusalOf(device: GPUDevice, calls: () => void): Promise<GPUError | undefined> {
  for (const filter of SCOPES) device.pushErrorScope(filter);
  let errors: Promise<GPUError | null>[] = [];
  try {
    calls();
  } finally {
    errors = SCOPES.map(async () => device.popErrorScope());
    for (const error of errors) error.catch(() => {}); // where the calls themselves throw, nobody asks
  }
  const all = Promise.all(errors).catch((cause: unknown) => {
    throw gpuError('The GPU did not say whether it took what it was given.', { cause });
  });
  const known = within(PATIENCE.gpu, all, silent).then((said) => said.find((error) => error !== null) ?? undefined);
  known.catch(() => {}); // who made the calls may have failed otherwise
  return known;
}

/** What a GPU meets that has not answered for so long. */
export const silent = (): FaceXFormerError => gpuError(`The GPU has not answered for ${PATIENCE.gpu / 1000} s.`);

/** All of what is made, or nothing. @throws FaceXFormerError LIMIT: the GPU has no memory for `what` */
export async function allocated<const Made extends readonly { destroy(): void }[]>(
  device: GPUDevice,
  what: string,
  make: () => Made,
): Promise<Made> {
  let made: Made | undefined;
  try {
    const refused = await refusalOf(device, () => {
      made = make();
    });
    if (refused) throw noMemory(what, { cause: refused });
    return made as unknown as Made;
  } catch (error) {
    for (const one of made ?? []) one.destroy();
    throw error;
  }
}

const SCOPES = ['out-of-memory', 'validation'] as const;
