/** The state dict in what torch.save was given: at any depth, under any of the prefixes that wrappers put before the names. */
import type { Checkpoint, ReadOptions, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { FORMS, type Form, tensorsOf } from '../../src/checkpoint/manifest.ts';
import { FaceXFormerError, throwIfAborted } from '../../src/gpu/errors.ts';
import { gather } from './gather.ts';
import { badTorch, type Value } from './pickle.ts';
import { Tensor } from './tensors.ts';
import type { TorchFile } from './torch.ts';

/** Named tensors of one dict. */
interface StateDict {
  /** The keys that lead to it, with dots; empty at the top. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** How deep dicts are looked for. The authors' checkpoint has its state dict at depth one. */
const MAX_DEPTH = 8;

/** Every dict that holds tensors by name, the outer ones first. */
export function stateDicts(root: Value): StateDict[] {
  const found: StateDict[] = [];
  const seen = new Set<Value>();
  let level: [path: string, value: Value][] = [['', root]];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const next: typeof level = [];
    for (const [path, dict] of level) {
      if (!(dict instanceof Map) || seen.has(dict)) continue;
      seen.add(dict);
      const tensors = new Map<string, Tensor>();
      for (const [key, value] of dict) {
        if (value instanceof Tensor && typeof key === 'string') tensors.set(key, value);
        else next.push([path ? `${path}.${String(key)}` : String(key), value]);
      }
      if (tensors.size > 0) found.push({ path, tensors });
    }
    level = next;
  }
  return found;
}

/**
 * The dict to convert: the one at `key` if given; else FaceXFormer's, by its tensors' names; else the only one.
 * @throws FaceXFormerError WRONG_WEIGHTS with the keys that there are
 */
export function chooseStateDict(root: Value, key?: string): StateDict {
  const dicts = stateDicts(root);
  const choices = key === undefined ? dicts : dicts.filter(({ path }) => path === key);
  for (const state of choices)
    for (const form of FORMS) {
      const named = underForm(state, form);
      if (named) return named;
    }
  const [only, ...more] = choices;
  if (only && more.length === 0) return withoutWrapper(only);
  const paths = dicts.map(({ path, tensors }) => `${path || '(top)'} with ${tensors.size}`).slice(0, 8);
  const example = dicts.find(({ path }) => path !== '')?.path;
  const choose = example === undefined ? '' : ` Choose one with --key of convert, for example --key ${example}.`;
  const there = paths.length === 0 ? 'The file holds no tensors by name.' : `Dicts of tensors: ${paths.join(', ')}.${choose}`;
  const wanted = key === undefined ? 'No state dict of FaceXFormer was found' : `There are no tensors at ${key}`;
  throw new FaceXFormerError('WRONG_WEIGHTS', `${wanted}. ${there}`);
}

/** The dict with the names that the form gives, in the form's order, if it is the form's under some prefix. */
function underForm({ path, tensors }: StateDict, form: Form): StateDict | undefined {
  const manifest = tensorsOf(form);
  const mark = form === 'released' ? 'face_decoder.landmarks_token.weight' : 'face_decoder.landmarks_tokens.weight';
  const marked = [...tensors.keys()].find((name) => name === mark || name.endsWith(`.${mark}`));
  if (marked === undefined) return undefined;
  const prefix = marked.slice(0, -mark.length);
  const plain = new Map([...tensors].map(([name, tensor]) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, tensor]));
  const ordered = new Map<string, Tensor>();
  for (const name of manifest.keys()) {
    const tensor = plain.get(name);
    if (tensor) ordered.set(name, tensor);
  }
  for (const [name, tensor] of plain) ordered.set(name, tensor);
  return { path, tensors: ordered };
}

/** Without the `module.` that DataParallel puts before every name. */
function withoutWrapper({ path, tensors }: StateDict): StateDict {
  const prefix = 'module.';
  if (![...tensors.keys()].every((name) => name.startsWith(prefix))) return { path, tensors };
  return { path, tensors: new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])) };
}

/**
 * A state dict of the file as a checkpoint, in the types that the file has.
 * @throws FaceXFormerError BAD_WEIGHTS_FILE if its tensors claim more than the file can hold
 */
export function torchCheckpoint(file: TorchFile, { tensors }: StateDict): Checkpoint {
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
  let loaded = 0;
  for (const [name, tensor] of tensors) {
    throwIfAborted(signal);
    const data = await gather(file, tensor);
    loaded += data.length;
    onProgress?.(loaded, total);
    yield { info: infos.get(name) as TensorInfo, data };
  }
}
