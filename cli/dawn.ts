/** `analyze` and `detect` without a browser: engine and detector in Node. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Engine } from '../src/engine/engine.ts';
import { type FaceJson, faceToJson } from '../src/face/json.ts';
import { TASKS, type Task } from '../src/face/labels.ts';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import { messageOf } from '../tools/terminal/faults.ts';
import {
  ENCODER_CHOICE,
  NETWORK_CHOICE,
  parse,
  parseBox,
  parseChoice,
  parseSide,
  parseTasks,
  SIDE_CHOICE,
  UsageError,
} from '../tools/terminal/options.ts';
import { chooseWeights, filesOf, weightsLine } from '../tools/terminal/weights.ts';
import { checkOutput, writeJson, writtenLine } from '../tools/terminal/write.ts';
import { ANALYSIS_SCHEMA, analysisRow } from './annotate/face.ts';
import { engineLine, loadEngine, NEEDS_DAWN, NodeMtcnn, openDawn, packagedDetector } from './engine.ts';
import { readPicture } from './picture.ts';
import { reportLines } from './report.ts';
import { checkPictures, checkSearch, LEFT_OUT_LINE, SEARCH_LINES, SEARCH_OPTIONS, searchAll, searchOf } from './search.ts';

const DTYPES = ['auto', 'f32', 'f16'] as const;

export const analyze: Command = {
  name: 'analyze',
  summary: 'analyse the faces in a picture, on the GPU, by the npm package webgpu',
  usage: `analyze PICTURE... --weights FILE [options]

  PICTURE                    a PNG or JPEG file
  --weights FILE|seeded[:N]  a safetensors file, as fetch makes one, or untrained weights from a seed
  --box x0,y0,x1,y1|whole    the face's box in whole pixels, already widened, or the whole picture (default: all faces that MTCNN finds)
  --tasks a,b                ${TASKS.join(', ')}
  --form released|paper      the form of seeded weights (default: released)
  ${NETWORK_CHOICE}
                             the network of seeded weights (default: facexformer); a file's is seen from its tensors
  ${ENCODER_CHOICE}
                             the encoder of seeded weights (default: swin_b)
  ${SIDE_CHOICE}                   of the square that a face is resized to: a multiple of 32 from 224 to 512 (default: 224, SegFace's 512)
  --json FILE                all results
  --dtype auto|f32|f16       in what the engine computes (default: auto)
${NEEDS_DAWN}
A picture that cannot be analysed is named and left out, and the exit code is 1.`,
  async run(args) {
    const { values, positionals: pictures } = parse(args, {
      weights: { type: 'string' },
      box: { type: 'string' },
      tasks: { type: 'string' },
      form: { type: 'string' },
      network: { type: 'string' },
      encoder: { type: 'string' },
      side: { type: 'string' },
      json: { type: 'string' },
      dtype: { type: 'string' },
    });
    if (pictures.length === 0) throw new UsageError('Which picture? analyze PICTURE... --weights FILE');
    if (values.weights === undefined)
      throw new UsageError('Which weights? --weights FILE, which fetch makes, or --weights seeded for untrained ones.');
    const box = values.box === undefined || values.box === 'whole' ? values.box : parseBox(values.box);
    const tasks = values.tasks === undefined ? undefined : (parseTasks(values.tasks) as Task[]);
    const dtype = parseChoice('--dtype', values.dtype ?? 'auto', DTYPES);
    const weights = chooseWeights(values.weights, values);
    const side = parseSide(values.side);
    checkPictures(pictures);
    if (values.json !== undefined) checkOutput(values.json, '--json', [...pictures, ...filesOf(weights)]);
    await openDawn();
    console.log(weightsLine(weights));
    const engine = await loadEngine(weights, {
      dtype,
      side,
      detector: (on) => NodeMtcnn.load(packagedDetector(), {}, on),
      ...(tasks && { tasks }),
    });
    try {
      console.log(engineLine(engine));
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
        writeJson(values.json, {
          schema: ANALYSIS_SCHEMA,
          adapter: engine.info.adapter,
          weights: source,
          pictures: results.map(analysisRow),
        });
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

async function analyzeOne(engine: Engine, picture: string, box: ReturnType<typeof parseBox> | 'whole' | undefined): Promise<PictureResult> {
  const { faces, width, height, timings } = await engine.analyze(await readPicture(picture), { box });
  const result = { picture, width, height, faces: faces.map(faceToJson), timings };
  console.log(['', ...reportLines(picture, result)].join('\n'));
  return result;
}

export const detect: Command = {
  name: 'detect',
  summary: 'find the faces in pictures, on the GPU, by the npm package webgpu',
  usage: `detect PICTURE... [options]

  PICTURE                    a PNG or JPEG file
${SEARCH_LINES}
${NEEDS_DAWN}
${LEFT_OUT_LINE}`,
  async run(args) {
    const { values, positionals: pictures } = parse(args, SEARCH_OPTIONS);
    const search = searchOf(values);
    checkSearch(pictures, values.json);
    await openDawn();
    const detector = await NodeMtcnn.load(packagedDetector(), search);
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
