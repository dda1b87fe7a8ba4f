/** What tuning chose, kept between visits, and for whom. */
import type { AdapterName } from '../gpu/device.ts';
import type { Dtype } from '../kernels/kernel.ts';
import { VERSION } from '../version.ts';
import { forgetTuned, readTuned, writeTuned } from './store.ts';
import type { Choices } from './tune.ts';

/** Whose choices they are: in another browser version, or of another engine, the same kernels may be other code. */
interface Kept {
  readonly browser: string;
  readonly engine: string;
  readonly choices: Choices;
}

/** The key under which the choices for an adapter are kept. */
export function tuneKey({ vendor, architecture, description }: AdapterName, dtype: Dtype): string {
  return JSON.stringify([vendor, architecture, description, dtype]);
}

/** Name and major version as the user agent has them, `Chrome 156`; `Version` is Safari's. All of it where it names none. */
export function browserOf(userAgent: string): string {
  // The order matters: most of them call themselves Chrome and Safari besides.
  for (const name of ['Edg', 'OPR', 'SamsungBrowser', 'Firefox', 'Chrome', 'Version']) {
    const version = new RegExp(`${name}/(\\d+)`).exec(userAgent)?.[1];
    if (version) return `${name} ${version}`;
  }
  return userAgent;
}

const thisBrowser = (): string => browserOf(globalThis.navigator?.userAgent ?? '');

/** The choices in what a store gave; undefined where it is damaged, or of another browser or engine. */
export function checkedChoices(kept: unknown, browser: string, engine = VERSION): Choices | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined;
  const { choices, ...of } = kept as Partial<Kept>;
  if (of.browser !== browser || of.engine !== engine) return undefined;
  if (typeof choices !== 'object' || choices === null || Array.isArray(choices)) return undefined;
  return Object.values(choices).every((name) => typeof name === 'string') ? choices : undefined;
}

/** What an earlier visit chose for this GPU, in this version of browser and engine; undefined where it chose nothing. */
export async function keptChoices(adapter: AdapterName, dtype: Dtype): Promise<Choices | undefined> {
  return checkedChoices(await readTuned(tuneKey(adapter, dtype)), thisBrowser());
}

/** Keeps choices for the next visit; gives whether it will find them. */
export function keepChoices(adapter: AdapterName, dtype: Dtype, choices: Choices): Promise<boolean> {
  return writeTuned(tuneKey(adapter, dtype), { browser: thisBrowser(), engine: VERSION, choices } satisfies Kept);
}

/** Forgets them: they turned out to be of no use. */
export const forgetChoices = (adapter: AdapterName, dtype: Dtype): Promise<void> => forgetTuned(tuneKey(adapter, dtype));
