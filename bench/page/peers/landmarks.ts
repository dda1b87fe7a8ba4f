/**
 * Libraries that find a face and its landmarks: another network, smaller, with a detector before it, so that only the task is the same. Each
 * is taken from its installed package, as it is, with the models that lie in it.
 */
import { throwIfAborted } from '../../../src/gpu/errors.ts';
import type { PeerResult } from '../result.ts';
import { timeCalls } from '../series.ts';
import type { Peer, Settings } from '../settings.ts';
import { type Offer, type PeerContext, peerCalls } from './peer.ts';

/** Loaded, and ready to find the landmarks of a picture; gives how many points it found. */
interface Finder {
  readonly note: string;
  find(picture: HTMLCanvasElement): Promise<number>;
  close(): void | Promise<void>;
}

const FINDERS: Readonly<Partial<Record<Peer, (folder: string) => Promise<Finder>>>> = {
  mediapipe,
  human,
  'micro-facemesh': microFacemesh,
};

export async function runLandmarks({ peer, version, folder }: Offer, settings: Settings, context: PeerContext): Promise<PeerResult> {
  const open = FINDERS[peer];
  if (!open) throw new Error(`there is no adapter for ${peer}`);
  const picture = await canvasOf(context.blob);
  const before = performance.now();
  const finder = await open(new URL(folder, location.href).href);
  const load = performance.now() - before;
  try {
    const start = performance.now();
    const points = await finder.find(picture);
    const first = performance.now() - start;
    if (points === 0) throw new Error('it found no face in the picture');
    throwIfAborted(context.signal);
    const calls = peerCalls(settings, context);
    const serial = await timeCalls(() => finder.find(picture), 1, {
      calls,
      signal: context.signal,
      onCall: (done) => context.say(`${peer}, ${done} of ${calls}`, done / calls),
    });
    return { peer, version, note: `landmarks only, ${points} points, with its detector; ${finder.note}`, load, first, serial };
  } finally {
    await finder.close();
  }
}

async function canvasOf(blob: Blob): Promise<HTMLCanvasElement> {
  const bitmap = await createImageBitmap(blob);
  const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

interface MicroFacemesh {
  createFacemesh(options: { weightsUrl: string }): Promise<{
    detect(picture: HTMLCanvasElement): Promise<{ landmarks: readonly object[] }[]>;
    reset(): void;
    dispose(): void;
  }>;
}

async function microFacemesh(folder: string): Promise<Finder> {
  const { createFacemesh } = (await import(`${folder}dist/index.js`)) as MicroFacemesh;
  const mesh = await createFacemesh({ weightsUrl: `${folder}weights` });
  return {
    note: 'WebGPU; forgets the frame before each call, whose points it would give otherwise',
    async find(picture) {
      mesh.reset();
      return (await mesh.detect(picture))[0]?.landmarks.length ?? 0;
    },
    close: () => mesh.dispose(),
  };
}

interface HumanLibrary {
  Human: new (
    options: object,
  ) => {
    load(): Promise<void>;
    detect(picture: HTMLCanvasElement): Promise<{ face: { mesh: readonly object[] }[]; error?: string | null }>;
    tf: { getBackend(): string };
  };
}

async function human(folder: string): Promise<Finder> {
  const { Human } = (await import(`${folder}dist/human.esm.js`)) as HumanLibrary;
  const off = { enabled: false };
  const one = new Human({
    backend: 'webgl',
    modelBasePath: `${folder}models`,
    cacheSensitivity: 0, // else the same picture is not looked at twice
    face: { enabled: true, detector: { skipFrames: 0, skipTime: 0 }, mesh: { enabled: true }, iris: off, description: off, emotion: off },
    body: off,
    hand: off,
    object: off,
    gesture: off,
    segmentation: off,
  });
  await one.load();
  return {
    note: `TensorFlow.js, ${one.tf.getBackend()}`,
    async find(picture) {
      const { face, error } = await one.detect(picture);
      if (error) throw new Error(error);
      return face[0]?.mesh.length ?? 0;
    },
    close() {},
  };
}

interface FaceMesh {
  setOptions(options: object): void;
  onResults(listener: (results: { multiFaceLandmarks?: (readonly object[])[] }) => void): void;
  send(input: { image: HTMLCanvasElement }): Promise<void>;
  initialize(): Promise<void>;
  close(): Promise<void>;
}

async function mediapipe(folder: string): Promise<Finder> {
  const script = Object.assign(document.createElement('script'), { src: `${folder}face_mesh.js` });
  await new Promise<void>((resolve, reject) => {
    script.onload = () => resolve();
    script.onerror = () => reject(new Error('face_mesh.js did not load'));
    document.head.append(script);
  });
  const { FaceMesh } = globalThis as unknown as { FaceMesh: new (options: { locateFile(name: string): string }) => FaceMesh };
  const mesh = new FaceMesh({ locateFile: (name) => folder + name });
  mesh.setOptions({ maxNumFaces: 1, refineLandmarks: false, staticImageMode: false });
  let points = 0;
  mesh.onResults(({ multiFaceLandmarks }) => {
    points = multiFaceLandmarks?.[0]?.length ?? 0;
  });
  await mesh.initialize();
  return {
    note: 'WebAssembly and WebGL',
    async find(picture) {
      points = 0;
      await mesh.send({ image: picture });
      return points;
    },
    close: () => mesh.close(),
  };
}
