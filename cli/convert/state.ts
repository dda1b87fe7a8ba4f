/** The state dict in what torch.save was given: at any depth, under any of the prefixes that wrappers put before the names. */

import type { Checkpoint, ReadOptions, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { quote } from '../../src/checkpoint/header-json.ts';
import { FaceXFormerError, throwIfAborted } from '../../src/gpu/errors.ts';
import { Gatherer } from './gather.ts';
import { choiceNotes, isAveraged, modelsIn, unwrapped } from './names.ts';
import { badTorch, type Key, PlainKey, type Value } from './pickle.ts';
import { codeNotData, codeOf, Inert, isUnread, Tensor } from './tensors.ts';
import type { TorchFile } from './torch.ts';

/** Named tensors of one dict. */
interface StateDict {
  /** The keys that lead to it, with dots; empty at the top. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Tensors beside these whose numbers cannot be read, and what PyTorch makes them with. */
  readonly unread: ReadonlyMap<string, string>;
}

/** Which of a file's tensors are meant, where it holds more than one model. */
export interface Choice {
  /** The keys that lead to the state dict, with dots, and one dot for the top; found by its tensors' names unless given. */
  key?: string | undefined;
  /** What stands before the names of the model's tensors; the words of wrappers may be left out. */
  prefix?: string | undefined;
}

/** How deep dicts are looked for. The authors' checkpoint has its state dict at depth one. */
const MAX_DEPTH = 8;

/** Every dict that holds tensors by name, the outer ones first. */
export function stateDicts(root: Value): StateDict[] {
  return walk(root).dicts;
}

/** The dicts of tensors, the first of those of which none can be read, and the first object on the way that is a program's. */
function walk(root: Value): { dicts: StateDict[]; lost: StateDict | undefined; code: string | undefined } {
  const dicts: StateDict[] = [];
  const seen = new Set<Value>();
  let code: string | undefined;
  let lost: StateDict | undefined;
  // Some save a list: the state dict, and beside it the optimizer's or a number.
  let level: [path: string, value: Value][] = Array.isArray(root) ? root.map((item, i) => [String(i), item]) : [['', root]];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const next: typeof level = [];
    for (const [path, value] of level) {
      code ??= codeOf(value);
      const dict = value instanceof Inert ? value.items : value;
      if (!(dict instanceof Map) || seen.has(dict)) continue;
      seen.add(dict);
      const tensors = new Map<string, Tensor>();
      const unread = new Map<string, string>();
      for (const [key, item] of dict as Map<Key, Value>) {
        if (item instanceof Tensor && typeof key === 'string') tensors.set(key, item);
        else if (isUnread(item)) unread.set(keyText(key), item.of);
        else next.push([path ? `${path}.${keyText(key)}` : keyText(key), item]);
      }
      if (tensors.size > 0) dicts.push({ path, tensors, unread });
      else if (unread.size > 0) lost ??= { path, tensors, unread };
    }
    level = next;
  }
  return { dicts, lost, code };
}

/** A dict's key as paths and reports show it. What is no text and no number is not taken apart: tuples may hold each other many times. */
export function keyText(key: Key): string {
  return typeof key === 'string' ? key : key instanceof PlainKey ? String(key.value) : '(an object)';
}

/**
 * The dict to convert: FaceXFormer's, by its tensors' names, the first that is whole and no running average; else the only one.
 * `notes` say what else there was.
 * @throws FaceXFormerError WRONG_WEIGHTS with the keys that there are; BAD_WEIGHTS_FILE for a whole program instead of its weights
 */
export function chooseStateDict(root: Value, { key, prefix }: Choice = {}): Omit<StateDict, 'unread'> & { notes: string[] } {
  const { dicts, lost, code } = walk(root);
  const choices = key === undefined ? dicts : dicts.filter(({ path }) => (path || '.') === key);
  const models = choices.flatMap(({ path, tensors, unread }) => modelsIn(tensors, prefix).map((model) => ({ path, model, unread })));
  models.sort((a, b) => Number(b.model.isWhole) - Number(a.model.isWhole) || Number(isAveraged(a.path)) - Number(isAveraged(b.path)));
  const [best] = models;
  if (best && best.unread.size > 0 && !best.model.isWhole) throw unreadable(best);
  if (best) return { path: best.path, tensors: best.model.tensors, notes: [...choiceNotes(best, models), ...unreadNotes(best)] };
  const [only, ...more] = choices;
  if (only && more.length === 0) {
    const tensors = unwrapped(only.tensors, prefix);
    if (tensors.size > 0) return { path: only.path, tensors, notes: unreadNotes(only) };
  }
  if (dicts.length === 0 && lost) throw unreadable(lost);
  if (dicts.length === 0 && code !== undefined) throw badTorch(codeNotData(code));
  throw noneFound(dicts, key, prefix);
}

const unreadNotes = (dict: Pick<StateDict, 'unread'>): string[] =>
  dict.unread.size > 0 ? [`Left out, since they cannot be read: ${unreadIn(dict)}.`] : [];

const unreadable = (dict: Pick<StateDict, 'unread'>): FaceXFormerError =>
  badTorch(`${unreadIn(dict)} cannot be taken. Save dense tensors of float32`);

function unreadIn({ unread }: Pick<StateDict, 'unread'>): string {
  const shown = [...unread].slice(0, 4).map(([name, of]) => `${quote(name)}, of ${quote(of)}`);
  return `${unread.size} ${unread.size === 1 ? 'tensor' : 'tensors'} (${shown.join('; ')}${unread.size > 4 ? '; ...' : ''})`;
}

function noneFound(dicts: readonly StateDict[], key: string | undefined, prefix: string | undefined): FaceXFormerError {
  const paths = dicts.map(({ path, tensors }) => `${path.slice(0, 80) || '(top)'} with ${tensors.size}`).slice(0, 8);
  const example = dicts.find(({ path }) => path !== '')?.path.slice(0, 80);
  const choose = example === undefined ? '' : ` Choose one with --key of convert, for example --key ${example}.`;
  const there = paths.length === 0 ? 'The file holds no tensors by name.' : `Dicts of tensors: ${paths.join(', ')}.${choose}`;
  const at = key === undefined ? '' : ` at ${key}`;
  const under = prefix === undefined ? '' : ` under the prefix ${JSON.stringify(prefix)}`;
  const wanted = at || under ? `There are no tensors${at}${under}` : 'No state dict of FaceXFormer was found';
  return new FaceXFormerError('WRONG_WEIGHTS', `${wanted}. ${there}`);
}

/**
 * A state dict of the file as a checkpoint, in the types that the file has.
 * @throws FaceXFormerError BAD_WEIGHTS_FILE if its tensors claim more than the file can hold
 */
export function torchCheckpoint(file: TorchFile, { tensors }: Pick<StateDict, 'tensors'>): Checkpoint {
  const infos = new Map<string, TensorInfo>();
  let total = 0;
  for (const [name, { storage, shape, bytes }] of tensors) {
    infos.set(name, { name, dtype: storage.dtype, shape, bytes });
    total += bytes;
    // Tensors may share storages, and expanded ones repeat an element; a small file that becomes a huge one is an attack.
    if (total > 16 * file.bytes.size + 65536)
      throw badTorch(`its tensors take ${total} bytes and more, and the file has ${file.bytes.size}`);
  }
  return { source: file.bytes.name, tensors: infos, rereadable: true, read: (options) => readState(file, tensors, infos, total, options) };
}

async function* readState(
  file: TorchFile,
  tensors: ReadonlyMap<string, Tensor>,
  infos: ReadonlyMap<string, TensorInfo>,
  total: number,
  { signal, onProgress }: ReadOptions = {},
) {
  const gatherer = new Gatherer(file, tensors.values());
  let loaded = 0;
  for (const [name, tensor] of tensors) {
    throwIfAborted(signal);
    const data = await gatherer.gather(tensor);
    loaded += data.length;
    onProgress?.(loaded, total);
    yield { info: infos.get(name) as TensorInfo, data };
  }
}
