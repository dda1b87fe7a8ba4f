/** The detector in the page: what it finds in pictures, and what it refuses. */
import { type DetectOptions, Mtcnn } from '../../src/detect/mtcnn.ts';
import type { FaceXFormerError } from '../../src/gpu/errors.ts';

let detector: Mtcnn | undefined;

/** What the GPU was asked for since the last detection began. */
const counts = { pipelines: 0, submits: 0, dispatches: 0 };

function counted<Type extends object>(type: Type, method: keyof Type & string, count: keyof typeof counts): void {
  const asked = type[method] as (...args: unknown[]) => unknown;
  Object.assign(type, {
    [method](this: Type, ...args: unknown[]) {
      counts[count]++;
      return asked.apply(this, args);
    },
  });
}

export async function load(): Promise<void> {
  detector = await Mtcnn.load({ weights: new URL('/mtcnn.safetensors', location.href) });
  counted(GPUDevice.prototype, 'createComputePipelineAsync', 'pipelines');
  counted(GPUQueue.prototype, 'submit', 'submits');
  counted(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches');
}

const loaded = (): Mtcnn => {
  if (!detector) throw new Error('load() comes first');
  return detector;
};

const pictureAt = async (address: string): Promise<Blob> => (await fetch(address)).blob();

export async function detect(address: string, options?: DetectOptions) {
  const picture = await pictureAt(address);
  Object.assign(counts, { pipelines: 0, submits: 0, dispatches: 0 });
  const faces = await loaded().detect(picture, options);
  return { faces, counts };
}

/** Raw pictures of one colour, of stripes, of noise, by size: how many faces each has. */
export async function plain(sizes: readonly (readonly [number, number])[]): Promise<number[]> {
  const found: number[] = [];
  for (const [width, height] of sizes)
    for (const value of [() => 128, (i: number) => (i % 64 < 32 ? 255 : 0)]) {
      const data = Uint8Array.from({ length: 4 * width * height }, (_, i) => value(i));
      found.push((await loaded().detect({ data, width, height })).length);
    }
  return found;
}

/** A picture of this size with the portrait in its lower right corner. */
export async function large(address: string, width: number, height: number) {
  const portrait = await createImageBitmap(await pictureAt(address));
  const canvas = new OffscreenCanvas(width, height);
  const ctx = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
  const side = Math.min(width, height);
  ctx.drawImage(portrait, width - side, height - side, side, side);
  const faces = await loaded().detect(await canvas.convertToBlob({ type: 'image/jpeg' }), { minFace: 40 });
  return faces.map(({ box }) => box);
}

export async function refused(): Promise<Record<string, string>> {
  const grey = { data: new Uint8Array(4 * 40 * 40).fill(99), width: 40, height: 40 };
  const given: Record<string, () => Promise<unknown>> = {
    'unknown option': () => loaded().detect(grey, { minface: 5 } as never),
    'no size': () => loaded().detect(grey, { minFace: Number.NaN }),
    'no threshold': () => loaded().detect(grey, { threshold: 2 }),
    'no number of faces': () => loaded().detect(grey, { maxFaces: 0 }),
    'no order': () => loaded().detect(grey, { order: 'age' as 'size' }),
    'no picture': () => loaded().detect(new Blob(['x'])),
    aborted: () => loaded().detect(grey, { signal: AbortSignal.abort() }),
    'wrong weights': () => Mtcnn.load({ weights: new Blob([new Uint8Array(7)]) }),
  };
  const codes: Record<string, string> = {};
  for (const [name, call] of Object.entries(given)) codes[name] = await code(call);
  loaded().dispose();
  codes['after dispose'] = await code(() => loaded().detect(grey));
  return codes;
}

const code = (call: () => Promise<unknown>): Promise<string> =>
  call().then(
    () => 'taken',
    (error: FaceXFormerError) => error.code ?? String(error),
  );
