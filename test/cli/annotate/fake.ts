/**
 * `annotate` in a process of its own that can be killed, with a detector that is made up and, unless another is given, an engine that needs no GPU: its answers
 * follow from a face's pixels, and from which pass it was in and at which place, as the last bits of a GPU's do.
 */
import { annotateSteps } from '../../../cli/annotate/run.ts';
import { Journal } from '../../../cli/bulk/journal.ts';
import { Pace } from '../../../cli/bulk/pace.ts';
import type { Analyzer, Finding } from '../../../cli/bulk/passes.ts';
import { namedFiles, shardOf, stepsOf } from '../../../cli/bulk/pictures.ts';
import { PARSING } from '../../../src/face/labels.ts';
import type { Face } from '../../../src/face/results.ts';
import { FaceXFormerError } from '../../../src/gpu/errors.ts';
import type { RawPicture } from '../../../src/image/source.ts';

export interface FakeJob {
  readonly files: readonly string[];
  readonly out: string;
  readonly resume?: boolean;
  readonly shard?: { index: number; count: number };
  readonly masks?: string;
  readonly every?: number;
  /** Milliseconds that a pass takes. */
  readonly slow?: number;
}

/** A red first pixel is no face, a green one is one that the engine refuses; else as many faces as the first pixel's blue says. */
const detector: Finding['detector'] = {
  detect: async (picture) => {
    const { data, width, height } = picture as RawPicture;
    const count = data[0] === 255 ? 0 : (data[2] as number) % 4;
    return Array.from({ length: count }, (_, i) => ({ box: { x0: i, y0: 1, x1: i + width / 4, y1: height / 2 }, score: 0.9 - i / 10 }));
  },
};

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const engine = (slow: number): Analyzer => ({
  async *analyzeMany(pictures) {
    const pass = [...pictures];
    if (slow > 0) await sleep(slow);
    if (pass.some(({ data }) => data[1] === 255)) throw new FaceXFormerError('LIMIT', 'The fake engine takes nothing green.');
    for (const [i, picture] of pass.entries()) yield { faces: [faceOf(picture, pass.length, i)] };
  },
});

function faceOf({ data, width, height }: RawPicture, pass: number, place: number): Face {
  const sum = Buffer.from(data).reduce((total, value) => (total + value) % 100_003, 0);
  const classes = Uint8Array.from({ length: 16 }, (_, i) => (sum >> i) % PARSING.length);
  return {
    box: { x0: 0, y0: 0, x1: width, y1: height },
    landmarks: [{ x: sum / 7, y: pass + place / 3 }],
    segmentation: { width: 4, height: 4, classes, labels: PARSING.map(({ name }) => name), palette: PARSING.map(({ colour }) => colour) },
  };
}

/** @param real in place of the engine that is made up */
export async function annotate(
  { files, out, resume = false, shard = { index: 0, count: 1 }, masks, every = 1, slow = 0 }: FakeJob,
  real?: Analyzer,
): Promise<void> {
  const steps = shardOf(stepsOf(namedFiles(files)), shard);
  const journal = Journal.open(out, { files: files.join(), shard: `${shard.index}/${shard.count}` }, { resume });
  if (!journal) return;
  const pace = new Pace('pictures', steps.length);
  await annotateSteps(steps, journal, pace, { engine: real ?? engine(slow), detector, masks, every, by: { weights: 'none' } });
  journal.finish();
}
