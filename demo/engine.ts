/** Gets the engine: trained weights where they lie beside the page, else seeded ones. */
import { FaceXFormer, type Form, type Progress } from '../src/index.ts';
import { sayState, showBar } from '../tools/page/dom.ts';
import { seededWeights } from '../tools/page/seeded.ts';

const TRAINED = './weights/facexformer.safetensors';

export interface Loaded {
  engine: FaceXFormer;
  trained: boolean;
}

/** `weights=seeded` in the address leaves trained weights aside; `seed=N` chooses the seeded ones. */
export async function loadEngine(form: Form, signal: AbortSignal): Promise<Loaded> {
  const settings = new URLSearchParams(location.search);
  const trained = settings.get('weights') !== 'seeded' && (await hasTrained(signal));
  const seed = settings.get('seed');
  const weights = trained ? TRAINED : seededWeights(form, seed === null ? undefined : Number(seed));
  const engine = await FaceXFormer.load({ weights, signal, onProgress: (progress) => showProgress(progress, trained) });
  return { engine, trained };
}

/** Asks for one byte: some servers answer HEAD badly, and some give a page of HTML for any address. */
async function hasTrained(signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(TRAINED, { signal, headers: { range: 'bytes=0-0' } });
    await answer.body?.cancel();
    return answer.ok && !answer.headers.get('content-type')?.includes('html');
  } catch {
    return false;
  }
}

function showProgress({ phase, loaded, total, fraction }: Progress, trained: boolean): void {
  if (phase === 'ready') return;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  const weights = trained ? `Loading weights, ${megabytes(loaded)} of ${megabytes(total)} MB` : 'Making untrained weights';
  const texts = { device: 'Asking for the GPU', weights, pipelines: `Compiling kernels, ${loaded} of ${total}` };
  sayState(texts[phase], 'loading');
  showBar(fraction);
}
