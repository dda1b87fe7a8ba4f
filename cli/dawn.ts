/** `analyze` and `detect` without a browser: engine and detector in Node, on Dawn, which is the npm package `webgpu`. */

import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { seededCheckpoint } from '../src/checkpoint/seeded.ts';
import { Mtcnn, type MtcnnFace, type SearchOptions, searchedSize } from '../src/detect/mtcnn.ts';
import { packagedWeights } from '../src/detect/weights.ts';
import { FaceXFormer } from '../src/engine/facexformer.ts';
import type { LoadOptions } from '../src/engine/options.ts';
import { tensorsOf } from '../src/face/config.ts';
import { type FaceJson, faceToJson } from '../src/face/json.ts';
import { TASKS, type Task } from '../src/face/labels.ts';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import type { FaceDetector } from '../src/image/detector.ts';
import type { RawPicture } from '../src/image/source.ts';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import { messageOf } from '../tools/terminal/faults.ts';
import { parse, parseBox, parseChoice, parseTasks, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, showProgress } from '../tools/terminal/progress.ts';
import { type ChosenWeights, chooseWeights, weightsLine } from '../tools/terminal/weights.ts';
import { checkOutput, isFolder, writeJson, writtenLine } from '../tools/terminal/write.ts';
import { readPicture, reduced } from './picture.ts';
import { reportLines } from './report.ts';
import { checkPictures, LEFT_OUT_LINE, SEARCH_LINES, SEARCH_OPTIONS, searchAll, searchOf } from './search.ts';

const DTYPES = ['auto', 'f32', 'f16'] as const;

const NEEDS_LINES = `It needs the npm package webgpu, which is Dawn and of some 60 MB, hence no dependency: npm install webgpu. On Linux it needs a Vulkan
driver besides; a software one is Mesa's (Debian: mesa-vulkan-drivers).`;

export const analyze: Command = {
  name: 'analyze',
  summary: 'analyse the faces in a picture, on the GPU, by the npm package webgpu',
  usage: `analyze PICTURE... --weights FILE [options]

  PICTURE                    a PNG or JPEG file
  --weights FILE|seeded[:N]  a safetensors file, as fetch makes one, or untrained weights from a seed
  --box x0,y0,x1,y1|whole    the face's box in whole pixels, already widened, or the whole picture (default: all faces that MTCNN finds)
  --tasks a,b                ${TASKS.join(', ')}
  --json FILE                all results
  --dtype auto|f32|f16       in what the engine computes (default: auto)
${NEEDS_LINES}
A picture that cannot be analysed is named and left out, and the exit code is 1.`,
  async run(args) {
    const { values, positionals: pictures } = parse(args, {
      weights: { type: 'string' },
      box: { type: 'string' },
      tasks: { type: 'string' },
      json: { type: 'string' },
      dtype: { type: 'string' },
    });
    if (pictures.length === 0) throw new UsageError('Which picture? analyze PICTURE... --weights FILE');
    if (values.weights === undefined)
      throw new UsageError('Which weights? --weights FILE, which fetch makes, or --weights seeded for untrained ones.');
    const box = values.box === undefined || values.box === 'whole' ? values.box : parseBox(values.box);
    const tasks = values.tasks === undefined ? undefined : (parseTasks(values.tasks) as Task[]);
    const dtype = parseChoice('--dtype', values.dtype ?? 'auto', DTYPES);
    const weights = chooseWeights(values.weights, undefined);
    for (const picture of pictures) if (!existsSync(picture)) throw new FaceXFormerError('BAD_PICTURE', `There is no file ${picture}.`);
    for (const picture of pictures) if (isFolder(picture)) throw new FaceXFormerError('BAD_PICTURE', `${picture} is a directory.`);
    if (values.json !== undefined) checkOutput(values.json, '--json');
    await openDawn();
    console.log(weightsLine(weights, 'fetch gets trained ones'));
    const engine = await load(weights, { dtype, ...(tasks && { tasks }) });
    try {
      console.log(
        `Runs on: ${Object.values(engine.info.adapter)
          .filter((text) => typeof text === 'string' && text !== '')
          .join(', ')}`,
      );
      const results: PictureResult[] = [];
      for (const picture of pictures) {
        const result = await analyzeOne(engine, picture, box).catch((error: unknown) => {
          if (pictures.length === 1) throw error;
          console.error(`${picture}: ${messageOf(error)}`);
        });
        if (result) results.push(result);
      }
      if (values.json !== undefined && results.length > 0) {
        const source = 'file' in weights ? { file: pathToFileURL(resolve(weights.file)).href } : { ...weights, untrained: true };
        writeJson(values.json, { adapter: engine.info.adapter, weights: source, pictures: results });
        console.log(writtenLine('json', values.json));
      }
      const failed = pictures.length - results.length;
      if (failed > 0) throw new CommandError(`${failed} of ${pictures.length} pictures could not be analysed.`);
    } finally {
      engine.dispose();
    }
  },
};

type PictureResult = { picture: string; width: number; height: number; faces: FaceJson[]; timings: object };

async function analyzeOne(
  engine: FaceXFormer,
  picture: string,
  box: ReturnType<typeof parseBox> | 'whole' | undefined,
): Promise<PictureResult> {
  const { faces, width, height, timings } = await engine.analyze(await readPicture(picture), { box });
  const result = { picture, width, height, faces: faces.map(faceToJson), timings };
  console.log(['', ...reportLines(picture, result)].join('\n'));
  return result;
}

async function load(weights: ChosenWeights, options: Omit<LoadOptions, 'weights'>): Promise<FaceXFormer> {
  try {
    return await FaceXFormer.load({
      ...options,
      weights:
        'file' in weights
          ? (Readable.toWeb(createReadStream(weights.file)) as ReadableStream<Uint8Array>)
          : seededCheckpoint(tensorsOf(weights.form), weights.seed),
      detector: ({ device, signal }) => NodeMtcnn.load({}, { device, signal }),
      onProgress: ({ fraction }) => showProgress({ phase: 'loading', loaded: fraction, total: 1 }),
    });
  } finally {
    clearProgress();
  }
}

export const detect: Command = {
  name: 'detect',
  summary: 'find the faces in pictures, on the GPU, by the npm package webgpu',
  usage: `detect PICTURE... [options]

  PICTURE                    a PNG or JPEG file
${SEARCH_LINES}
${NEEDS_LINES}
${LEFT_OUT_LINE}`,
  async run(args) {
    const { values, positionals: pictures } = parse(args, SEARCH_OPTIONS);
    const search = searchOf(values);
    checkPictures(pictures, values.json);
    await openDawn();
    const detector = await NodeMtcnn.load(search);
    try {
      await searchAll(pictures, values.json, async (picture) => {
        const pixels = await readPicture(picture);
        return { width: pixels.width, height: pixels.height, faces: await detector.detect(pixels) };
      });
    } finally {
      detector.dispose();
    }
  },
};

/** MTCNN in Node, where no browser reduces pictures that are too large to be searched as they are. */
class NodeMtcnn implements FaceDetector {
  private constructor(
    private readonly mtcnn: Mtcnn,
    private readonly minFace: number | undefined,
  ) {}

  static async load(
    search: SearchOptions,
    on: Pick<Parameters<typeof Mtcnn.load>[0] & object, 'device' | 'signal'> = {},
  ): Promise<NodeMtcnn> {
    return new NodeMtcnn(await Mtcnn.load({ ...search, ...on, weights: readFileSync(packagedWeights()) }), search.minFace);
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

/** Makes this process one with WebGPU. The package is looked for beside this one, then from where the person is. */
async function openDawn(): Promise<void> {
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
      `This command computes by the npm package webgpu, which is not installed here: npm install webgpu (${(cause as Error).message.split('\n')[0]})`,
      { cause },
    );
  }
}
