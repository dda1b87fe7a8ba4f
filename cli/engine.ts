/** The engine in Node: on Dawn, which is the npm package `webgpu`. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { seededCheckpoint } from '../src/checkpoint/seeded.ts';
import { Mtcnn, type MtcnnFace, type SearchOptions, searchedSize } from '../src/detect/mtcnn.ts';
import { packagedWeights } from '../src/detect/weights.ts';
import type { Engine } from '../src/engine/engine.ts';
import type { Task } from '../src/face/labels.ts';
import type { FaceDetector, LoadDetector } from '../src/image/detector.ts';
import type { RawPicture } from '../src/image/source.ts';
import { openEngine, tensorsOfKind } from '../tools/networks.ts';
import { streamOfFile } from '../tools/read.ts';
import { CommandError } from '../tools/terminal/command.ts';
import { clearProgress, showProgress } from '../tools/terminal/progress.ts';
import { type ChosenEngine, weightsLine } from '../tools/terminal/weights.ts';
import { reduced } from './picture.ts';

export const NEEDS_DAWN = `It needs the npm package webgpu, which is Dawn and of some 60 MB, hence no dependency: npm install webgpu. On Linux it needs a Vulkan
driver besides; a software one is Mesa's (Debian: mesa-vulkan-drivers).`;

export interface EngineWork extends ChosenEngine {
  readonly tasks?: readonly Task[] | undefined;
  /** How faces are searched for; undefined: each picture is one. */
  readonly search: SearchOptions | undefined;
  readonly detectorWeights: DetectorWeights;
}

/** Loads an engine, says what it runs on, and disposes of it when the work is done. */
export async function withEngine(
  { weights, side, dtype, tasks, search, detectorWeights }: EngineWork,
  work: (engine: Engine, detector: NodeMtcnn | 'whole') => Promise<void>,
): Promise<void> {
  await openDawn();
  console.log(weightsLine(weights));
  let found: NodeMtcnn | 'whole' = 'whole';
  const detector: LoadDetector = async (on) => (found = await NodeMtcnn.load(detectorWeights(), search ?? {}, on));
  const { engine } = await openEngine({
    dtype,
    side,
    ...(tasks && { tasks }),
    ...(search && { detector }),
    weights: 'file' in weights ? streamOfFile(weights.file) : seededCheckpoint(tensorsOfKind(weights.form, weights), weights.seed),
    onProgress: ({ fraction }) => showProgress({ phase: 'loading', loaded: fraction, total: 1 }),
  }).finally(clearProgress);
  try {
    console.log(engineLine(engine));
    await work(engine, found);
  } finally {
    engine.dispose();
  }
}

/** Where a command takes the detector's weights from: the package has them as a file, the sources of this project in one of its dependencies. */
export type DetectorWeights = () => Uint8Array<ArrayBuffer>;

/** Those that lie beside the package's code. */
export const packagedDetector: DetectorWeights = () => Uint8Array.from(readFileSync(packagedWeights()));

/** MTCNN in Node, where no browser reduces pictures that are too large to be searched as they are. */
export class NodeMtcnn implements FaceDetector {
  private constructor(
    private readonly mtcnn: Mtcnn,
    private readonly minFace: number | undefined,
  ) {}

  static async load(
    weights: Uint8Array<ArrayBuffer>,
    search: SearchOptions,
    on: Pick<Parameters<typeof Mtcnn.load>[0] & object, 'device' | 'signal'> = {},
  ): Promise<NodeMtcnn> {
    return new NodeMtcnn(await Mtcnn.load({ ...search, ...on, weights }), search.minFace);
  }

  async detect(given: unknown, options?: { signal?: AbortSignal | undefined }): Promise<MtcnnFace[]> {
    const picture = given as RawPicture; // what readPicture gives
    const size = searchedSize(picture, this.minFace);
    if (size.width === picture.width && size.height === picture.height) return this.mtcnn.detect(picture, options);
    const [alongX, alongY] = [picture.width / size.width, picture.height / size.height];
    const found = await this.mtcnn.detect(reduced(picture, size), options);
    return found.map(({ box: { x0, y0, x1, y1 }, score, points }) => ({
      box: { x0: x0 * alongX, y0: y0 * alongY, x1: x1 * alongX, y1: y1 * alongY },
      score,
      points: points.map(({ x, y }) => ({ x: x * alongX, y: y * alongY })),
    }));
  }

  dispose(): void {
    this.mtcnn.dispose();
  }
}

/** What an engine runs on, as a line. */
const engineLine = ({ info }: Engine): string =>
  `Runs on: ${Object.values(info.adapter)
    .filter((text) => typeof text === 'string' && text !== '')
    .join(', ')}`;

/** Makes this process one with WebGPU. The package is looked for beside this one, then from where the person is. */
export async function openDawn(): Promise<void> {
  const { create, globals } = await import('webgpu').catch(fromHere);
  Object.assign(globalThis, globals);
  // While anything is awaited, Dawn asks for events at every turn of Node's loop, and takes a whole core from a driver that runs on the CPU.
  globalThis.setImmediate = ((call: (...args: unknown[]) => void, ...args: unknown[]) => setTimeout(call, 1, ...args)) as never;
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
}

async function fromHere(cause: unknown): Promise<typeof import('webgpu')> {
  try {
    return await import(pathToFileURL(createRequire(join(process.cwd(), 'here.js')).resolve('webgpu')).href);
  } catch {
    throw new CommandError(
      `The engine computes by the npm package webgpu here, which is not installed: npm install webgpu (${(cause as Error).message.split('\n')[0]})`,
      { cause },
    );
  }
}
