/** Which pictures and videos a command's arguments name: folders, patterns, lists and files, in an order that is always the same. */
import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { text } from 'node:stream/consumers';
import picomatch from 'picomatch';
import { CommandError } from '../../tools/terminal/command.ts';
import { isFolder } from '../../tools/terminal/write.ts';

/** A file, under the name that the person gave it: as written, or the folder's as written and what is below it. */
export interface Named {
  readonly name: string;
  readonly video: boolean;
}

/** Pictures, those that cannot be read here among them: they are to be named as what they are. */
const PICTURES = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|hei[cf]|avif|svg|jxl|jp2|psd)$/i;
const VIDEOS = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|wmv|flv|3gp|ogv|mts|m2ts)$/i;
const LISTS = /\.(txt|lst|list)$/i;

/**
 * The files that the arguments name, none of them twice. A folder stands for the pictures and videos in it and in the folders below it; a pattern, for those that it
 * matches; a list (.txt, .lst or .list; - is standard input) for the file in each of its lines; everything else for itself, whatever it is and whether it is there.
 * @param input what came by standard input, where an argument is -
 * @param masks a folder into which the command writes: below another it is not looked into, since what an earlier run wrote there is no picture of this one
 * @throws CommandError where there is nothing among them or a pattern matches nothing, a folder or list cannot be read, or what is not there is named as folders are
 */
export function namedFiles(args: readonly string[], masks?: string, input = ''): Named[] {
  const names = new Set<string>();
  const closed = masks !== undefined && isFolder(masks) ? [realpathSync(masks)] : [];
  for (const arg of args) for (const name of arg === '-' ? linesIn(input) : filesOf(arg, closed)) names.add(name);
  if (names.size === 0) throw new CommandError(`There are no pictures or videos in ${args.join(', ')}.`);
  return [...names].map((name) => ({ name, video: VIDEOS.test(name) }));
}

function filesOf(arg: string, closed: readonly string[]): readonly string[] {
  const below = (folder: string) =>
    filesBelow(
      folder,
      closed.filter((one) => one !== realpathSync(folder)),
    );
  if (isFolder(arg)) return below(arg).filter((name) => PICTURES.test(name) || VIDEOS.test(name));
  if (existsSync(arg)) return LISTS.test(extname(arg)) ? listed(arg) : [arg];
  const pattern = slashed(arg).replace(/^\.\//, '');
  const { base, isGlob } = picomatch.scan(pattern);
  if (!isGlob && extname(arg) === '') throw new CommandError(`There is no folder or file ${arg}.`);
  if (!isGlob) return [arg];
  const matches = picomatch(pattern);
  const found = isFolder(base || '.') ? below(base || '.').filter((name) => matches(name)) : [];
  if (found.length === 0) throw new CommandError(`Nothing matches ${arg}.`);
  return found;
}

/** With slashes on Windows, too, where backslashes are written: in a pattern these make literal what is behind them, and names are to be the same everywhere. */
export const slashed = (path: string, separator: string = sep): string => path.replaceAll(separator, '/');

/** The lines of a text that are not empty, without the mark that some editors begin files with. */
const linesIn = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');

/** The same of a text file. */
export const linesOf = (file: string): string[] => linesIn(readFileSync(file, 'utf8'));

function listed(file: string): string[] {
  try {
    return linesOf(file);
  } catch (cause) {
    throw notListed(file, cause);
  }
}

/** All that comes by standard input, which may be a pipe that has nothing yet: reading that as a file fails. @throws CommandError */
export const standardInput = (): Promise<string> =>
  text(process.stdin).catch((cause) => {
    throw notListed('Standard input', cause);
  });

const notListed = (name: string, cause: unknown): CommandError =>
  new CommandError(`${name} cannot be read as a list: ${(cause as NodeJS.ErrnoException).code}.`, { cause });

/** All files in a folder and below it, by name; a link to a folder that it is in leads nowhere, as does what is among those `above`. */
export function filesBelow(folder: string, above: readonly string[] = []): string[] {
  const real = realpathSync(folder);
  if (above.includes(real)) return [];
  let found: Dirent[];
  try {
    found = readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    throw new CommandError(`${folder} cannot be read: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
  return found.flatMap((one) => {
    const path = slashed(join(folder, one.name));
    if (one.isDirectory() && !existsSync(path))
      throw new CommandError(`${path} cannot be read${path.includes('\uFFFD') ? ': its name is not UTF-8. Rename it' : ''}.`);
    return isFolder(path) ? filesBelow(path, [...above, real]) : [path];
  });
}

/** Pictures that are worked on together; a video is alone. */
export type Step = readonly Named[];

/** How many pictures are worked on together: as many as a pass of the network takes faces. What comes of a picture depends on those beside it alone. */
export const TOGETHER = 8;

export function stepsOf(files: readonly Named[]): Step[] {
  const steps: Named[][] = [];
  for (const file of files) {
    const last = steps.at(-1);
    if (last && last.length < TOGETHER && !file.video && !last[0]?.video) last.push(file);
    else steps.push([file]);
  }
  return steps;
}

/** Part `index` of `count`, from 0: the parts one after the other are the whole. */
export function shardOf<Item>(items: readonly Item[], { index, count }: { index: number; count: number }): Item[] {
  return items.slice(Math.floor((items.length * index) / count), Math.floor((items.length * (index + 1)) / count));
}
