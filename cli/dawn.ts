/** `analyze` and `detect` without a browser: engine and detector in Node. */

import type { Engine } from '../src/engine/engine.ts';
import { type FaceJson, faceToJson } from '../src/face/json.ts';
import { TASKS, type Task } from '../src/face/labels.ts';
import { type Command, CommandError } from '../tools/terminal/command.ts';
import { messageOf } from '../tools/terminal/faults.ts';
import { parse, parseBox, parseTasks, UsageError } from '../tools/terminal/options.ts';
import { chooseEngine, ENGINE_OPTIONS, engineLines, filesOf } from '../tools/terminal/weights.ts';
import { checkOutput, writeJson, writtenLine } from '../tools/terminal/write.ts';
import { analysisOf } from './annotate/face.ts';
import { NEEDS_DAWN, NodeMtcnn, openDawn, packagedDetector, withEngine } from './engine.ts';
import { readPicture } from './picture.ts';
import { reportLines } from './report.ts';
import { checkPictures, checkSearch, LEFT_OUT_LINE, SEARCH_LINES, SEARCH_OPTIONS, searchAll, searchOf } from './search.ts';

export const analyze: Command = {
  name: 'analyze',
  summary: 'analyse the faces in a picture, on the GPU, by the npm package webgpu',
  usage: `analyze PICTURE... --weights FILE [options]

  PICTURE                    a PNG or JPEG file
  --box x0,y0,x1,y1|whole    the face's box in whole pixels, already widened, or the whole picture (default: all faces that MTCNN finds)
  --tasks a,b                ${TASKS.join(', ')}
  --json FILE                all results
${engineLines()}
${NEEDS_DAWN}
${LEFT_OUT_LINE}`,
  async run(args) {
    const text = { type: 'string' } as const;
    const { values, positionals: pictures } = parse(args, { ...ENGINE_OPTIONS, box: text, tasks: text, json: text });
    if (pictures.length === 0) throw new UsageError('Which picture? analyze PICTURE... --weights FILE');
    const box = values.box === undefined || values.box === 'whole' ? values.box : parseBox(values.box);
    const tasks = values.tasks === undefined ? undefined : (parseTasks(values.tasks) as Task[]);
    const chosen = chooseEngine(values);
    checkPictures(pictures);
    if (values.json !== undefined) checkOutput(values.json, '--json', [...pictures, ...filesOf(chosen.weights)]);
    await withEngine({ ...chosen, tasks, search: {}, detectorWeights: packagedDetector }, async (engine) => {
      const results: PictureResult[] = [];
      for (const picture of pictures) {
        const result = await analyzeOne(engine, picture, box).catch((error: unknown) => {
          if (pictures.length === 1) throw error;
          console.error(`${picture}: ${messageOf(error)}`);
        });
        if (result) results.push(result);
      }
      if (values.json !== undefined && results.length > 0) {
        writeJson(values.json, analysisOf(engine.info.adapter, chosen.weights, results));
        console.log(writtenLine('json', values.json));
      }
      const failed = pictures.length - results.length;
      if (failed > 0) throw new CommandError(`${failed} of ${pictures.length} pictures could not be analysed.`);
    });
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
