/** Arguments of the commands: parsed by Node, checked here; a wrong one is a {@link UsageError}. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { checkSide } from '../../src/engine/options.ts';
import { FORMS } from '../../src/face/forms.ts';
import type { Box } from '../../src/image/crop.ts';
import { ENCODERS } from '../../src/model/backbones/index.ts';
import type { Kind } from '../networks.ts';

/** The command was called wrongly. Ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** `--help` and `-h` belong to every command. What is empty is refused: the shell has no such variable, and nothing is called so. */
export function parse<Known extends Options>(args: string[], options: Known) {
  try {
    const parsed = parseArgs({
      args,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      strict: true,
    });
    const empty = Object.entries(parsed.values).find(([, value]) => value === '')?.[0];
    if (empty !== undefined || parsed.positionals.includes(''))
      throw new UsageError(`${empty === undefined ? 'An argument' : `--${empty}`} is empty: is a variable of the shell not set?`);
    return parsed;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** `x0,y0,x1,y1`. Whether it lies in the picture is the engine's question. */
export function parseBox(text: string): Box {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [x0, y0, x1, y1] = numbers;
  if (numbers.length !== 4 || !numbers.every(Number.isFinite))
    throw new UsageError(`--box is ${text}; it must be four numbers, left, top, right and bottom: --box 157,37,293,229`);
  return { x0: x0 as number, y0: y0 as number, x1: x1 as number, y1: y1 as number };
}

export function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 0xffffffff) throw new UsageError(`The seed is ${text}; it must be an integer from 0 to 4294967295.`);
  return seed;
}

export function parseTasks(text: string): string[] {
  const tasks = text.split(',').map((task) => task.trim());
  if (tasks.some((task) => task === '')) throw new UsageError(`--tasks is "${text}"; it must be names with commas: --tasks landmarks,age`);
  return tasks;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!(Number.isInteger(port) && port >= 0 && port < 65536)) throw new UsageError(`--port is ${text}; it must be 0 to 65535.`);
  return port;
}

/** A whole number, `least` or more. */
export function parseWhole(option: string, text: string, least: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least) throw new UsageError(`${option} is ${text}; it must be a whole number, ${least} or more.`);
  return number;
}

/** How the usage of a command says `--encoder`. */
export const ENCODER_CHOICE = `--encoder ${ENCODERS.join('|')}`;

/** The name of a backbone; Swin-B's unless told otherwise. */
export const parseEncoder = (text: string | undefined): string => parseChoice('--encoder', text ?? (ENCODERS[0] as string), ENCODERS);

/** How the usage of a command says `--network` and `--side`. */
export const NETWORK_CHOICE = '--network facexformer|segface';
export const SIDE_CHOICE = '--side N';

/** The side of the network's input. @throws FaceXFormerError BAD_OPTION */
export function parseSide(text: string | undefined): number | undefined {
  const side = text === undefined ? undefined : parseWhole('--side', text, 1);
  checkSide(side);
  return side;
}

/** The kind of network that `--network` and `--form` name. */
export function parseKind({ network, form }: { network?: string | undefined; form?: string | undefined }): Kind {
  if (parseChoice('--network', network ?? 'facexformer', ['facexformer', 'segface']) === 'facexformer')
    return parseChoice('--form', form ?? 'released', FORMS);
  if (form !== undefined) throw new UsageError('--form is for FaceXFormer; SegFace has one form.');
  return 'segface';
}

/** The value if it is one of the choices. */
export function parseChoice<Choice extends string>(option: string, value: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw new UsageError(`${option} is ${value}; it must be ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}.`);
  return found;
}
