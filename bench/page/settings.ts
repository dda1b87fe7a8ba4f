/** What a run is asked to do, as the page's address says it: every setting is in the address, and an address gives the same run again. */

import { DEFAULT_SEED } from '../../src/checkpoint/seeded.ts';
import { TASKS, type Task } from '../../src/face/labels.ts';
import { ENCODERS } from '../../src/model/backbones/index.ts';
import { KINDS, type Kind } from '../../tools/networks.ts';

export const DTYPES = ['auto', 'f32', 'f16'] as const;
export const PEERS = ['ort-webgpu', 'ort-wasm', 'mediapipe', 'human', 'micro-facemesh'] as const;
type Dtype = (typeof DTYPES)[number];
export type Peer = (typeof PEERS)[number];

export interface Settings {
  /** The network of seeded weights. */
  readonly form: Kind;
  /** The encoder of seeded weights. */
  readonly encoder: string;
  /** Side of the square that a face is resized to; 0: as the network is made for. */
  readonly side: number;
  readonly dtype: Dtype;
  /** Faces a call. */
  readonly batch: number;
  /** Calls to time in each mode; 0: as many as suit the adapter. */
  readonly frames: number;
  /** The seed of seeded weights. */
  readonly seed: number;
  /** Address of a safetensors file on the page's server, instead of seeded weights; empty for those. */
  readonly weights: string;
  /** Empty: all that the weights know. */
  readonly tasks: readonly Task[];
  readonly peers: readonly Peer[];
}

export const DEFAULTS: Settings = {
  form: 'released',
  encoder: 'swin_b',
  side: 0,
  dtype: 'auto',
  batch: 1,
  frames: 0,
  seed: DEFAULT_SEED,
  weights: '',
  tasks: [],
  peers: [],
};
const MAX_BATCH = 8;
const MAX_FRAMES = 10_000;

/** What the page is to do besides: no setting of a run. */
interface Start {
  /** Begin without a click. */
  readonly auto: boolean;
  /** Begin with the comparison of results. */
  readonly compare: boolean;
}

interface Address {
  readonly settings: Settings;
  readonly start: Start;
  /** What was not understood, one sentence each; the default was taken. */
  readonly faults: readonly string[];
}

type Reader<Value> = (text: string) => Value | undefined;

const oneOf =
  <Choice extends string>(choices: readonly Choice[]): Reader<Choice> =>
  (text) =>
    choices.find((choice) => choice === text);
const listOf =
  <Choice extends string>(choices: readonly Choice[]): Reader<Choice[]> =>
  (text) => {
    const asked = text.split(',').filter((name) => name !== '');
    return asked.every((name) => choices.includes(name as Choice)) ? choices.filter((choice) => asked.includes(choice)) : undefined;
  };
const integer =
  (least: number, most: number): Reader<number> =>
  (text) =>
    /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined;

const sideOf: Reader<number> = (text) => (text === '0' || (integer(224, 512)(text) ?? 1) % 32 === 0 ? Number(text) : undefined);

/** Only a file beside the page: `weights/x.safetensors`. */
const beside: Reader<string> = (text) => (/^[\w.%-]+(\/[\w.%-]+)*$/.test(text) && !text.split('/').includes('..') ? text : undefined);

const READERS: { readonly [Name in keyof Settings]: readonly [Reader<Settings[Name]>, string] } = {
  form: [oneOf(KINDS), KINDS.join(', ')],
  encoder: [oneOf(ENCODERS), ENCODERS.join(', ')],
  side: [sideOf, 'a multiple of 32 from 224 to 512, or 0'],
  dtype: [oneOf(DTYPES), DTYPES.join(', ')],
  batch: [integer(1, MAX_BATCH), `an integer from 1 to ${MAX_BATCH}`],
  frames: [integer(0, MAX_FRAMES), `an integer from 0 (chosen for the adapter) to ${MAX_FRAMES}`],
  seed: [integer(0, 0xffffffff), 'an integer from 0 to 4294967295'],
  weights: [beside, 'the path of a file beside the page'],
  tasks: [listOf(TASKS), `names with commas, of ${TASKS.join(', ')}`],
  peers: [listOf(PEERS), `names with commas, of ${PEERS.join(', ')}`],
};

/** Reads the part of an address after `?`. What is wrong or unknown in it is said, and never fails. */
export function readSettings(search: string): Address {
  const given = new URLSearchParams(search);
  const faults: string[] = [];
  const settings: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, text] of given) {
    if (name === 'auto' || name === 'compare') continue;
    const known = Object.hasOwn(READERS, name) ? READERS[name as keyof Settings] : undefined;
    if (!known) {
      faults.push(`There is no setting ${name}; there are ${Object.keys(READERS).join(', ')}, auto and compare.`);
      continue;
    }
    const [read, wanted] = known;
    const value = read(text);
    if (value === undefined) faults.push(`${name} is ${text}; it must be ${wanted}.`);
    else settings[name] = value;
  }
  const on = (name: string) => given.has(name) && given.get(name) !== '0';
  return { settings: settings as unknown as Settings, start: { auto: on('auto'), compare: on('compare') }, faults };
}

/** The address's part after `?` that gives these settings; what is as by default is left out. */
export function writeSettings(settings: Settings): string {
  const query = new URLSearchParams();
  for (const name of Object.keys(READERS) as (keyof Settings)[])
    if (String(settings[name]) !== String(DEFAULTS[name])) query.set(name, String(settings[name]));
  return query.toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
}
