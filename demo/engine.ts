/** Gets the engine: trained weights where they lie beside the page, else seeded ones. */
import { type Checkpoint, FaceXFormer, type Form, type Progress, seededCheckpoint, tensorsOf } from '../src/index.ts';
import { breathe, byId } from './dom.ts';

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
  const weights = trained ? TRAINED : breathing(seededCheckpoint(tensorsOf(form), seed === null ? undefined : Number(seed)));
  const engine = await FaceXFormer.load({ weights, signal, onProgress: showProgress });
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

function showProgress({ phase, loaded, total }: Progress): void {
  if (phase === 'ready') return;
  const arriving = phase === 'weights' && loaded < total;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  // Kernels compile while weights arrive, and may take longer.
  const text = arriving
    ? `Loading weights, ${megabytes(loaded)} of ${megabytes(total)} MB`
    : phase === 'device'
      ? 'Asking for the GPU'
      : 'Compiling kernels';
  sayEngine(text, 'loading');
  showBar(arriving ? loaded / total : 'unknown');
}

export function sayEngine(text: string, state: 'loading' | 'ready' | 'failed'): void {
  const pill = byId('engine', HTMLElement);
  pill.textContent = text;
  pill.dataset['state'] = state;
}

/** A part from 0 to 1, a bar that only says that work goes on, or no bar. */
export function showBar(part: number | 'unknown' | 'none'): void {
  const bar = byId('progress', HTMLElement);
  bar.hidden = part === 'none';
  bar.classList.toggle('unknown', part === 'unknown');
  (bar.firstElementChild as HTMLElement).style.width = typeof part === 'number' ? `${part * 100}%` : '';
  if (typeof part === 'number') bar.setAttribute('aria-valuenow', String(Math.round(part * 100)));
  else bar.removeAttribute('aria-valuenow');
}
