/** What callers give, whatever it is: read once, and refused as BAD_OPTION where it is not what it has to be. */
import { badOption, FaceXFormerError } from './errors.ts';

/** What a value is, in whichever realm it was made: an iframe's Blob is no instance of this page's. A proxy that was revoked is `Nothing`. */
export function tag(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1);
  } catch {
    return 'Nothing';
  }
}

/** A value as messages show it, which none makes fail. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 99));
  if (typeof value === 'bigint') return `${value}n`;
  return (typeof value === 'object' && value !== null) || typeof value === 'function' ? tag(value) : String(value);
}

/** What an error says, whatever was thrown. */
export function said(error: unknown): string {
  try {
    return String((error as Error).message ?? error);
  } catch {
    return shown(error);
  }
}

/** Does `work`, which fails by what it was given alone. @throws FaceXFormerError its own; BAD_OPTION saying what it `takes` for any other error */
export function given<T>(takes: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof FaceXFormerError ? cause : badOption(takes, { cause });
  }
}

/** What an option may be: one of some words, or of a kind; a `count` is of 0 or more, and `any` is looked at where it is used. */
export type Kind = 'any' | 'boolean' | 'count' | 'function' | 'signal' | readonly string[];

/**
 * An object's own options as they are now, each read once. All that are known are members of what it gives, so that none is found on a prototype.
 * @throws FaceXFormerError BAD_OPTION: no object, an option that is not known, cannot be read, or is of another kind
 */
export function optionsOf<Options extends object>(call: string, known: Readonly<Record<keyof Options, Kind>>, options: unknown): Options {
  const kinds = Object.entries(known) as [string, Kind][];
  const own = given(`${call}() takes an object of options that can be read.`, () => {
    if (typeof options !== 'object' || Array.isArray(options))
      throw badOption(`${call}() takes an object of options, not ${shown(options)}.`);
    const unknown = Object.keys(options as object).find((name) => !Object.hasOwn(known, name));
    if (unknown !== undefined) throw badOption(`${call}() knows no option ${shown(unknown)}. It takes ${Object.keys(known).join(', ')}.`);
    return Object.fromEntries(kinds.map(([name]) => [name, Object.hasOwn(options as object, name) ? options?.[name as never] : undefined]));
  });
  for (const [name, kind] of kinds) if (own[name] !== undefined) mustBe(kind, own[name], name);
  return own as Options;
}

/** @throws FaceXFormerError BAD_OPTION: the option is not of that kind */
export function mustBe(kind: Kind, value: unknown, name: string): void {
  const is = `\`${name}\` is ${shown(value)}.`;
  if (kind === 'signal') checkSignal(value);
  else if (kind === 'function') mustBeFunction(value, name);
  else if (kind === 'count') {
    if (!(typeof value === 'number' && value >= 0)) throw badOption(`${is} It must be a number, 0 or more.`);
  } else if (kind === 'boolean') {
    if (typeof value !== kind) throw badOption(`${is} It must be true or false.`);
  } else if (kind !== 'any' && !kind.includes(value as string)) throw badOption(`${is} Choose from ${kind.join(', ')}.`);
}

/** @throws FaceXFormerError BAD_OPTION: it is none */
export function mustBeFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw badOption(`\`${name}\` is ${shown(value)}. It must be a function.`);
}

/** @throws FaceXFormerError BAD_OPTION: it is no whole number from `least` to `most` */
export function mustBeWhole(value: unknown, name: string, least: number, most: number = Number.MAX_SAFE_INTEGER): void {
  if (!(Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most))
    throw badOption(
      `\`${name}\` is ${shown(value)}; it must be a whole number, ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ' or more'}.`,
    );
}

/** @throws FaceXFormerError BAD_OPTION: it gives no pictures */
export const mustBeIterable = (pictures: object): void =>
  given('`pictures` must be a list, or whatever else gives one picture after the other.', () => {
    const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = pictures as AsyncIterable<unknown> & Iterable<unknown>;
    if (typeof pictures === 'string' || typeof (later ?? now) !== 'function') throw new TypeError(); // one address is no list
  });

/** @throws FaceXFormerError BAD_OPTION for what is no signal, such as the controller itself. Another realm's signal is one */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  given('The signal is no AbortSignal; give that of an AbortController: controller.signal.', () => {
    Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get?.call(signal); // throws for what only looks like one
  });
}
