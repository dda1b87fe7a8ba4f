/**
 * Which of many named tensors are the model's. Training puts words before the names (`module.`, `_orig_mod.`, `net.`), keeps a second,
 * averaged model beside the first, and saves what is no part of either: a wrapper's counter, a criterion's weights.
 */

import type { Dtype } from '../../src/checkpoint/checkpoint.ts';
import { quote } from '../../src/checkpoint/header-json.ts';
import { BACKBONES } from '../../src/model/backbones/index.ts';
import { hourglassOf } from '../../src/model/hourglass.ts';
import { KINDS, type Kind, tensorsOfKind } from '../../tools/networks.ts';

/** What is to be known of a tensor here. */
interface Typed {
  readonly dtype: Dtype;
}

/** One model among the tensors. */
export interface Model<T> {
  readonly kind: Kind;
  /** What stands before its names once wrappers' words are taken out. */
  readonly prefix: string;
  /** They have the names that its kind gives, in the kind's order; behind them is what the model's own modules hold beyond it. */
  readonly tensors: ReadonlyMap<string, T>;
  /** Names that are no part of this model. */
  readonly beside: readonly string[];
  /** Every tensor of the kind is there. */
  readonly isWhole: boolean;
}

/** Words that DataParallel, torch.compile, FSDP and checkpointing put into names, in front of all or in their middle. */
const WRAPPERS = new Set(['module', '_orig_mod', '_fsdp_wrapped_module', '_checkpoint_wrapped_module']);
/** A tensor that only the kind has, which tells what stands before its name. */
const MARKS: Readonly<Record<Kind, string>> = {
  released: 'face_decoder.landmarks_token.weight',
  paper: 'face_decoder.landmarks_tokens.weight',
  segface: 'face_decoder.necklace_token.weight',
};
/** What profilers put into every module: thop's counts. */
const COUNTS = /(^|\.)total_(ops|params)$/;
/** Most models that are looked for. */
const MOST_MODELS = 16;

const withoutWrappers = (name: string): string => {
  const parts = name.split('.');
  return parts.filter((part) => !WRAPPERS.has(part)).join('.');
};

/** The known models among the tensors: whole ones first, and before averaged ones the others. `prefix`: only the one under it. */
export function modelsIn<T extends Typed>(found: ReadonlyMap<string, T>, prefix?: string): Model<T>[] {
  const short = new Map([...found].map(([name, tensor]) => [withoutWrappers(name), tensor]));
  const named = short.size === found.size ? short : found;
  const marked = KINDS.flatMap((kind) =>
    [...named.keys()]
      .filter((name) => `.${name}`.endsWith(`.${MARKS[kind]}`))
      .map((name) => [kind, name.slice(0, -MARKS[kind].length)] as const),
  );
  const under = (text: string) => marked.filter(([, before]) => before === text || before === `${text}.`);
  const exact = prefix === undefined ? marked : under(prefix);
  const meant = exact.length > 0 ? exact : under(withoutWrappers(prefix ?? ''));
  const models = meant.slice(0, MOST_MODELS).map(([kind, before]) => modelUnder(named, kind, before));
  return models.sort((a, b) => Number(b.isWhole) - Number(a.isWhole) || Number(isAveraged(a.prefix)) - Number(isAveraged(b.prefix)));
}

/** Whether a key or a prefix says that what it leads to is a running average of a model, or its teacher. */
export const isAveraged = (path: string): boolean => /(^|[._-])(ema|swa|avg|averaged?|shadow|teacher)(\d*)([._-]|$)/i.test(path);

function modelUnder<T extends Typed>(named: ReadonlyMap<string, T>, kind: Kind, prefix: string): Model<T> {
  const modules = new Set([...tensorsOfKind(kind).keys()].map(firstPart)); // the same with every backbone
  const plain = new Map<string, T>();
  const beside: string[] = [];
  for (const [name, tensor] of named) {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    if (rest !== undefined && modules.has(firstPart(rest)) && !COUNTS.test(rest)) plain.set(rest, tensor);
    else beside.push(name);
  }
  const backbone = BACKBONES.find(({ recognises }) => recognises(plain))?.name;
  const manifest = tensorsOfKind(kind, { backbone, hourglass: hourglassOf(plain) });
  // Who casts every tensor of a model casts its integers too. The model knows what they are, and needs none of them.
  for (const { name, dtype } of manifest.values()) {
    if (dtype !== 'I64' || (plain.get(name)?.dtype ?? dtype) === dtype) continue;
    plain.delete(name);
    beside.push(prefix + name);
  }
  const inOrder = [...manifest.keys()].filter((name) => plain.has(name)).map((name) => [name, plain.get(name) as T] as const);
  const isWhole = [...manifest.keys()].every((name) => plain.has(name) || manifest.get(name)?.optional);
  return { kind, prefix, tensors: new Map([...inOrder, ...plain]), beside, isWhole };
}

function firstPart(name: string): string {
  const dot = name.indexOf('.');
  return dot < 0 ? name : name.slice(0, dot);
}

/** Another model's tensors: those under `prefix` if given, without the words that wrappers put before every name. */
export function unwrapped<T>(found: ReadonlyMap<string, T>, prefix = ''): Map<string, T> {
  const before = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
  let tensors = new Map(
    [...found].filter(([name]) => name.startsWith(before)).map(([name, tensor]) => [name.slice(before.length), tensor]),
  );
  for (;;) {
    const [first] = tensors.keys();
    const word = first === undefined ? '' : firstPart(first);
    if (!WRAPPERS.has(word) || ![...tensors.keys()].every((name) => name.startsWith(`${word}.`))) return tensors;
    tensors = new Map([...tensors].map(([name, tensor]) => [name.slice(word.length + 1), tensor]));
  }
}

interface Found<T> {
  /** Leads to its dict. */
  readonly path: string;
  readonly model: Model<T>;
}

/** The options that lead to one of the models. Where nothing stands before its names a wrapper's word is its prefix: an empty text is no option. */
function wayTo<T>({ path, model }: Found<T>, all: readonly Found<T>[]): string {
  const beside = all.filter((one) => one.path === path && one.model !== model).map((one) => one.model.prefix);
  const place = path || '.';
  const key = all.some((one) => one.path !== '') ? `--key ${/^[\w.-]{1,80}$/.test(place) ? place : quote(place)}` : '';
  if (key !== '' && beside.length === 0) return key;
  const before = model.prefix || [...WRAPPERS].find((word) => !beside.includes(`${word}.`)) || '';
  return `${key} --prefix ${quote(before)}`.trim();
}

/** What a person should know of a choice among models, a line each. */
export function choiceNotes<T>(chosen: Found<T>, all: readonly Found<T>[]): string[] {
  const notes: string[] = [];
  const rest = all.filter(({ path, model }) => path !== chosen.path || model.prefix !== chosen.model.prefix);
  if (rest.length > 0) {
    const ways = rest.slice(0, 4).map((one) => wayTo(one, all));
    notes.push(`It holds ${rest.length + 1} models. This is the one of ${wayTo(chosen, all)}; there is also ${ways.join(', ')}.`);
  }
  const prefixes = rest.filter(({ path }) => path === chosen.path).map(({ model }) => model.prefix);
  const loose = chosen.model.beside.filter((name) => !prefixes.some((prefix) => prefix !== '' && name.startsWith(prefix)));
  if (loose.length > 0 && !prefixes.includes('')) {
    const shown = loose.slice(0, 4).map(quote).join(', ');
    notes.push(
      `Left out, since no part of the model, or integers that were cast: ${loose.length} ${loose.length === 1 ? 'tensor' : 'tensors'} (${shown}${loose.length > 4 ? ', ...' : ''}).`,
    );
  }
  return notes;
}
