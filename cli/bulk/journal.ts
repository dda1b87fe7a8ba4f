/**
 * A file of lines that work of many steps writes, and how far it is, so that what a signal, a crash or a power cut ends goes on where it was: nothing is
 * lost but the step under way, nothing is there twice, and the file is in the end the one that an undisturbed run writes.
 *
 * Beside FILE stands FILE.progress while the work lasts: what the work is, the steps that are done, and how long FILE is with them. Lines are on the disk
 * before the step counts, and what stands behind those of the last step that counts is cut off when the work goes on.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { streamOfFile } from '../../tools/read.ts';
import { unwritable } from '../../tools/save.ts';
import { CommandError } from '../../tools/terminal/command.ts';
import { clearProgress, say } from '../../tools/terminal/progress.ts';
import type { ChosenWeights } from '../../tools/terminal/weights.ts';
import { checkOutput } from '../../tools/terminal/write.ts';

/** What the work is: two runs that differ in any of this are not one work. Texts and numbers alone. */
export type Job = Readonly<Record<string, string | number | boolean | undefined>>;

/** The weights as a job names them: by what is in their file, since another training's may have its name and size. */
export async function markOf(weights: ChosenWeights): Promise<string> {
  if (!('file' in weights)) return `seeded ${weights.seed}, ${weights.form}, ${weights.backbone}`;
  const hash = createHash('sha256');
  for await (const piece of streamOfFile(weights.file)) hash.update(piece);
  return `${weights.name}, SHA-256 ${hash.digest('hex').slice(0, 16)}`;
}

/** How far the work is. */
export interface Position {
  /** Steps that are whole. */
  readonly steps: number;
  /** Parts of the step under way that are whole: frames of a video. */
  readonly parts: number;
}

interface Progress extends Position {
  readonly job: Job;
  readonly bytes: number;
}

export class Journal {
  #at: Position;
  #bytes: number;

  private constructor(
    readonly path: string,
    private readonly job: Job,
    private readonly file: number,
    { steps, parts, bytes }: Omit<Progress, 'job'>,
  ) {
    this.#at = { steps, parts };
    this.#bytes = bytes;
  }

  /**
   * Begins the work, or with `resume` goes on with it; undefined where the file is whole, of whatever work.
   * @throws CommandError where the file is there and was not to be gone on with, or is of another work
   */
  static open(path: string, job: Job, { resume }: { resume: boolean }): Journal | undefined {
    checkOutput(path);
    const known = progressOf(path);
    if (!resume && (known || existsSync(path)))
      throw new CommandError(
        `${path} is there already${known ? ', unfinished' : ''}: --resume goes on with it; or give another file, or delete it.`,
      );
    if (!known && existsSync(path)) return undefined;
    if (known) mustBeSame(path, known.job, job);
    const begun = known ?? { steps: 0, parts: 0, bytes: 0 };
    const file = opened(path, known ? undefined : { job, ...begun });
    const { size } = fstatSync(file);
    if (size < begun.bytes) {
      closeSync(file);
      throw new CommandError(
        `${path} has ${size} bytes and had ${begun.bytes}: it was changed since. Delete it and ${progressFile(path)}, and begin anew.`,
      );
    }
    ftruncateSync(file, begun.bytes);
    return new Journal(path, job, file, begun);
  }

  /** How far the work is. */
  get at(): Position {
    return this.#at;
  }

  /** Writes the lines of what brings the work to `at`. */
  append(lines: readonly string[], at: Position): void {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.file, bytes, done, bytes.length - done, this.#bytes + done);
      fsyncSync(this.file);
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
    this.#bytes += bytes.length;
    this.#at = at;
    saveProgress(this.path, { job: this.job, ...at, bytes: this.#bytes });
  }

  /** Leaves what is done, to be gone on with; where nothing is, nothing: what was asked for may not be possible. @returns whether something is left */
  leave(): boolean {
    closeSync(this.file);
    if (this.#bytes > 0) return true;
    for (const file of [this.path, progressFile(this.path)]) rmSync(file, { force: true });
    return false;
  }

  /** The work is whole: nothing is left but its file. */
  finish(): void {
    closeSync(this.file);
    rmSync(progressFile(this.path), { force: true });
  }
}

/** The file, whose work may begin with it. @throws FaceXFormerError LIMIT, BAD_OPTION */
function opened(path: string, begun: Progress | undefined): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (begun) saveProgress(path, begun);
    return openSync(path, existsSync(path) ? 'r+' : 'w+');
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Does work that a journal keeps, and says where it fails that it can be gone on with. */
export async function keeping(journal: Journal | undefined, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (journal?.leave()) say(`${journal.path} keeps what is done: --resume goes on with it.`);
    throw error;
  } finally {
    clearProgress();
  }
}

const progressFile = (path: string): string => `${path}.progress`;

function progressOf(path: string): Progress | undefined {
  const file = progressFile(path);
  if (!existsSync(file)) return undefined;
  try {
    const { job, steps, parts, bytes } = JSON.parse(readFileSync(file, 'utf8')) as Progress;
    if (![steps, parts, bytes].every((count) => Number.isSafeInteger(count) && count >= 0)) throw new TypeError('no counts');
    return { job: { ...job }, steps, parts, bytes };
  } catch (cause) {
    throw new CommandError(`${file} cannot be read: delete it and ${path}, and begin anew.`, { cause });
  }
}

/** Written beside its place and renamed, under a name that the next run writes over: nothing stays behind, whenever the process ends. */
function saveProgress(path: string, progress: Progress): void {
  const partial = `${progressFile(path)}.part`;
  try {
    const file = openSync(partial, 'w');
    try {
      writeSync(file, `${JSON.stringify(progress)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, progressFile(path));
  } catch (cause) {
    rmSync(partial, { force: true });
    throw unwritable(progressFile(path), cause);
  }
}

/** @throws CommandError: they differ, and which was begun is not what is asked for now */
export function mustBeSame(path: string, was: Job, is: Job): void {
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)]))
    if (was[name] !== is[name])
      throw new CommandError(
        `${path} was begun with other ${name} (${was[name] ?? 'none'}, now ${is[name] ?? 'none'}): call it as before, or give another file.`,
      );
}
