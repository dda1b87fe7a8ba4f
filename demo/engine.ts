/** Gets the engine: trained weights where they lie beside the page, else seeded ones. */
import { Mtcnn, mtcnn } from '../src/detect/index.ts';
import type { Progress } from '../src/index.ts';
import type { VideoEngine } from '../src/video/index.ts';
import { type Kind, openEngine, titleOf } from '../tools/networks.ts';
import { sayState, showBar } from '../tools/page/dom.ts';
import { seededWeights } from '../tools/page/seeded.ts';

const TRAINED = './weights/facexformer.safetensors';

/** What the page asks of an engine. */
export interface DemoEngine extends VideoEngine {
  readonly about: string;
  dispose(): void;
}

export interface Loaded {
  engine: DemoEngine;
  /** Undefined where there is no network whose weights could be trained. */
  trained: boolean | undefined;
}

/** `weights=seeded` in the address leaves trained weights aside; `seed=N` chooses the seeded ones; `tasks=none` only finds faces and follows them. */
export async function loadEngine(kind: Kind, signal: AbortSignal): Promise<Loaded> {
  const settings = new URLSearchParams(location.search);
  if (settings.get('tasks') === 'none') return { engine: await onlyFaces(signal), trained: undefined };
  const trained = settings.get('weights') !== 'seeded' && (await hasTrained(signal));
  const seed = settings.get('seed');
  const weights = trained ? TRAINED : seededWeights(kind, seed === null ? undefined : Number(seed));
  const { engine, kind: found } = await openEngine({
    weights,
    detector: mtcnn(),
    signal,
    onProgress: (progress) => showProgress(progress, trained),
  });
  const { length } = engine.tasks;
  const about = `${length} task${length === 1 ? '' : 's'} (${titleOf(found)}) on ${nameOf(engine.info.adapter)}`;
  const analyze: DemoEngine['analyze'] = (picture, options) => engine.analyze(picture, options);
  return { engine: { tasks: engine.tasks, about, analyze, dispose: () => engine.dispose() }, trained };
}

export const nameOf = ({ description, vendor, architecture }: { description: string; vendor: string; architecture: string }): string =>
  description || [vendor, architecture].filter(Boolean).join(' ') || 'GPU';

/** The detector alone: every task is left out. */
async function onlyFaces(signal: AbortSignal): Promise<DemoEngine> {
  sayState('Loading the detector', 'loading');
  const detector = await Mtcnn.load({ signal });
  return {
    tasks: [],
    about: 'faces only, no task',
    async analyze(picture, { boxes, box, signal: stop } = {}) {
      const start = performance.now();
      const found = box || boxes ? [] : await detector.detect(picture, { signal: stop });
      const { width, height, displayWidth, displayHeight } = picture as VideoFrame & ImageBitmap;
      const faces = found.map((face) => ({
        box: face.box,
        detected: face.box,
        score: face.score,
        points: face.points,
        source: 'detector' as const,
      }));
      const total = performance.now() - start;
      const timings = { decode: 0, detect: total, upload: 0, encode: 0, run: 0, total };
      return { faces, width: displayWidth ?? width, height: displayHeight ?? height, timings };
    },
    dispose: () => detector.dispose(),
  };
}

/** The server says whether it has trained weights: asking for them would leave a 404 in the console. */
async function hasTrained(signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch('./weights.json', { signal });
    return answer.ok && ((await answer.json()) as { trained?: boolean }).trained === true;
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
