/** Annotates pictures and videos, step by step, into a journal: what `annotate` does once it has an engine. */
import type { Task } from '../../src/face/labels.ts';
import type { Face } from '../../src/face/results.ts';
import type { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { Size } from '../../src/image/crop.ts';
import type { RawPicture } from '../../src/image/source.ts';
import { ahead } from '../bulk/ahead.ts';
import type { Job, Journal } from '../bulk/journal.ts';
import type { Pace } from '../bulk/pace.ts';
import { type Analyzer, type Cut, type Finding, facesIn, facesOf, mustGoOn } from '../bulk/passes.ts';
import { type Step, TOGETHER } from '../bulk/pictures.ts';
import { readPicture } from '../picture.ts';
import { maskName, writeMask } from './mask.ts';
import { failedRow, type Row, rowOf, type Subject } from './row.ts';
import { framesOf } from './video.ts';

export interface Annotating extends Finding {
  readonly engine: Analyzer;
  readonly tasks?: readonly Task[] | undefined;
  /** Where masks go as files; into the lines unless given. */
  readonly masks?: string | undefined;
  /** Of a video every so many frames. */
  readonly every: number;
  /** What each line says of its making. */
  readonly by: Job;
}

/** A picture whose faces are found, or that failed. */
type Ready = { readonly subject: Subject } & (
  | { readonly error: FaceXFormerError }
  | { readonly size: Size; readonly cuts: readonly Cut[] }
);

/** Pictures of one step, or some frames of a video, and how far the work is when their lines are written. */
interface Prepared {
  readonly ready: readonly Ready[];
  readonly at: { readonly steps: number; readonly parts: number };
  /** How many of the files that the person named are done with it. */
  readonly files: number;
}

/** Does the steps that the journal does not have. @throws FaceXFormerError where the engine is lost: the journal keeps what is done */
export async function annotateSteps(steps: readonly Step[], journal: Journal, pace: Pace, how: Annotating): Promise<void> {
  for await (const { ready, at, files } of ahead(preparedSteps(steps, journal, how))) {
    const rows = await rowsOf(ready, how);
    journal.append(
      rows.map((row) => JSON.stringify(row)),
      at,
    );
    pace.step(files, rows.filter(({ error }) => error).length);
  }
}

async function* preparedSteps(steps: readonly Step[], journal: Journal, how: Annotating): AsyncGenerator<Prepared> {
  const begun = journal.at;
  for (let done = begun.steps; done < steps.length; done++) {
    const step = steps[done] as Step;
    if (step[0]?.video) {
      yield* preparedFrames(step[0].name, done, done === begun.steps ? begun.parts : 0, how);
      continue;
    }
    const ready: Ready[] = [];
    for (const { name } of step) ready.push(await prepared({ picture: name }, () => readPicture(name), how));
    yield { ready, at: { steps: done + 1, parts: 0 }, files: step.length };
  }
}

/** A video's frames, as many together as pictures are. What cannot be decoded ends it with a line that says so. */
async function* preparedFrames(name: string, done: number, first: number, how: Annotating): AsyncGenerator<Prepared> {
  let ready: Ready[] = [];
  let parts = first;
  try {
    for await (const { index, time, picture } of framesOf(name, { every: how.every, first })) {
      ready.push(await prepared({ picture: name, frame: index, time }, async () => picture, how));
      if (ready.length < TOGETHER) continue;
      parts += ready.length;
      yield { ready, at: { steps: done, parts }, files: 0 };
      ready = [];
    }
  } catch (error) {
    ready.push({ subject: { picture: name }, error: mustGoOn(error) });
  }
  yield { ready, at: { steps: done + 1, parts: 0 }, files: 1 };
}

async function prepared(subject: Subject, read: () => Promise<RawPicture>, how: Annotating): Promise<Ready> {
  try {
    const picture = await read();
    const { width, height } = picture;
    return { subject, size: { width, height }, cuts: await facesIn(picture, how) };
  } catch (error) {
    return { subject, error: mustGoOn(error) };
  }
}

async function rowsOf(ready: readonly Ready[], { engine, tasks, masks, by }: Annotating): Promise<Row[]> {
  const cuts = ready.flatMap((one) => ('cuts' in one ? one.cuts : []));
  const faces = await facesOf(engine, cuts, { ...(tasks && { tasks }) });
  let at = 0;
  return ready.map((one) => {
    if ('error' in one) return { ...failedRow(one.subject, one.error), by };
    const own = faces.slice(at, at + one.cuts.length);
    at += own.length;
    return { ...rowOf(one.subject, one.size, own, (face, i) => maskFile(one.subject, face, i, masks)), by };
  });
}

/** Where the face's mask was written, if it was. */
function maskFile({ picture, frame }: Subject, { segmentation }: Face, face: number, folder: string | undefined): string | undefined {
  if (!segmentation || folder === undefined) return undefined;
  const name = maskName(frame === undefined ? picture : `${picture}.${String(frame).padStart(6, '0')}`, face);
  writeMask(folder, name, segmentation);
  return name;
}
