/** What a GPU refuses is told later and elsewhere than where it was asked: an error scope brings the two together. */
import { noMemory } from './errors.ts';

/**
 * Makes GPU calls without a pause, so that nobody else's get into the scope.
 * @returns what the GPU refused of them, once it is known; undefined where it took them all. On a lost device everything is taken.
 */
export function refusalOf(device: GPUDevice, calls: () => void): Promise<GPUError | undefined> {
  for (const filter of SCOPES) device.pushErrorScope(filter);
  let errors: Promise<GPUError | null>[] = [];
  try {
    calls();
  } finally {
    errors = SCOPES.map(() => device.popErrorScope());
  }
  return Promise.all(errors).then((all) => all.find((error) => error !== null) ?? undefined);
}

/** All of what is made, or nothing. @throws FaceXFormerError LIMIT: the GPU has no memory for `what` */
export async function allocated<Made extends readonly { destroy(): void }[]>(
  device: GPUDevice,
  what: string,
  make: () => Made,
): Promise<Made> {
  let made!: Made;
  const refused = await refusalOf(device, () => {
    made = make();
  });
  if (!refused) return made;
  for (const one of made) one.destroy();
  throw noMemory(what, { cause: refused });
}

const SCOPES = ['out-of-memory', 'validation'] as const;
