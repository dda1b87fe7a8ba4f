/** The words of torch.save's pickles: storages, the tensors that look into them, and a few names that mean nothing to us. */
import type { Dtype } from '../../src/checkpoint/checkpoint.ts';
import { bytesOf } from '../../src/checkpoint/dtypes.ts';
import { badTorch, type Key, keyOf, Named, type Value, type Vocabulary } from './pickle.ts';

/** A run of elements in the file. */
export class Storage {
  constructor(
    readonly key: string,
    readonly dtype: Dtype,
    /** Elements. */
    readonly count: number,
    /** The legacy form has views of another storage: this is that storage, and how many elements the view leaves out before its own. */
    readonly within?: { readonly storage: Storage; readonly from: number },
  ) {}
}

/** A strided look into a storage. */
export class Tensor {
  constructor(
    readonly storage: Storage,
    /** Where the first element is, counted in elements. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  get dtype(): Dtype {
    return this.storage.dtype;
  }

  /** Bytes of the tensor when its elements lie side by side. */
  get bytes(): number {
    return bytesOf(this.dtype, this.shape);
  }
}

/** What stands for an object that is no tensor and no plain data: its name, and what a pickle put into it. Nothing is called. */
export class Inert {
  /** What an object holds whose class is a dict. */
  items: Map<Key, Value> | undefined;
  /** What an object holds whose class is a list. */
  list: Value[] | undefined;
  constructor(readonly of: string) {}
}

/** Tensors have at most this many dimensions, which is PyTorch's own bound. */
const MAX_RANK = 64;

const STORAGES: Readonly<Record<string, Dtype>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const ORDERED = 'collections.OrderedDict';
const REBUILD = ['torch._utils._rebuild_tensor', 'torch._utils._rebuild_tensor_v2'];
/** The arguments for a tensor that is made already: (tensor, requires_grad, hooks[, state]). */
const PARAMETER = ['torch._utils._rebuild_parameter', 'torch._utils._rebuild_parameter_with_state'];
/** The arguments for a tensor with attributes, or of a class of its own: (how to make it, its class, arguments, state). */
const TYPED = ['torch._tensor._rebuild_from_type', 'torch._tensor._rebuild_from_type_v2'];

/** What training files name beside their tensors, as plain data: no file is refused for holding only these. */
const PLAIN =
  /^((collections|argparse|pathlib|datetime|numpy|_codecs|copy_?reg|builtins|__builtin__)\.|torch\.(Size|device|u?int\d+|b?float\d+|bool)$)/;
/**
 * Python's own names that make plain values or name a class, in its second version, too, as torch.save writes them: `range` as `xrange`. Its functions
 * run code, and no file of weights has a use for them.
 */
const BUILTINS =
  /^(object|type|bool|int|long|float|complex|str|unicode|bytes|bytearray|list|tuple|dict|set|frozenset|slice|x?range|NoneType|Ellipsis|NotImplemented|getattr|iter|zip|map|filter|enumerate|reversed|\w+(Error|Exception|Interrupt))$/;
/** Modules whose names mean an attack, whatever stands beside them: they run programs, change files or reach the network. */
const RUNS = /^(os|posix|nt|sys|subprocess|pty|shutil|socket|runpy|importlib|ctypes|code|commands|timeit|pdb|pip|pickle|webbrowser)(\.|$)/;

/** The vocabulary of one file; `storages` gathers what the pickle speaks of. */
export function torchVocabulary(storages: Map<string, Storage>): Vocabulary {
  return {
    meet({ module, name, full }) {
      const isBuiltin = module === 'builtins' || module === '__builtin__';
      if (RUNS.test(module) || (isBuiltin && !BUILTINS.test(name))) throw badTorch(codeNotData(full));
    },
    reduce: reduced,
    persistent: (id) => storageOf(id, storages),
    setState(object) {
      if (!(object instanceof Map || object instanceof Tensor || object instanceof Inert))
        throw badTorch('its pickle sets the state of what is no data');
    },
    itemsOf(object) {
      if (object instanceof Inert) object.items ??= new Map();
      return object instanceof Inert ? object.items : undefined;
    },
    listOf(object) {
      if (object instanceof Inert) object.list ??= [];
      return object instanceof Inert ? object.list : undefined;
    },
  };
}

/** What PyTorch makes tensors with, and of: what stands for one of these is a tensor that is sparse, quantised, of eight bits or complex, or has no data. */
const UNREAD = /^torch\.(_utils|_tensor)\._rebuild_|^torch\.(storage\.)?\w+Storage$/;

/** Whether it stands for a tensor whose numbers cannot be read here. */
export const isUnread = (value: Value): value is Inert => value instanceof Inert && UNREAD.test(value.of);

/** The name, if what stands in the file is a function or an object of some program: of no use to anyone who has not the program. */
export function codeOf(value: Value): string | undefined {
  const full = value instanceof Named ? value.full : value instanceof Inert ? value.of : undefined;
  return full === undefined || full === ORDERED || PLAIN.test(full) ? undefined : full;
}

/** What is said of a name that stands for a program's function or class. */
export const codeNotData = (full: string): string =>
  `it contains ${JSON.stringify(full.slice(0, 120))}, which is code, not data. Save the state dict instead: torch.save(model.state_dict(), FILE)`;

function reduced(what: Value, args: Value[], spend: (copied: number) => void): Value {
  if (what instanceof Inert) return new Inert(what.of); // partial(NAME.__new__, NAME, key=word)(), say
  if (!(what instanceof Named)) throw badTorch('its pickle calls what is no name');
  const { module, name, full } = what;
  if (full === ORDERED) return orderedDict(args, spend);
  if (REBUILD.includes(full)) return rebuilt(args);
  if (PARAMETER.includes(full)) return args[0] ?? null;
  if (isStorage(module, name)) throw badTorch(`its pickle calls ${full}`);
  if (!TYPED.includes(full)) return new Inert(full);
  const [how, , of] = args;
  // Only what makes a tensor may stand here: a list that holds itself would else be rebuilt for ever.
  return how instanceof Named && REBUILD.includes(how.full) && Array.isArray(of) ? rebuilt(of) : new Inert(full);
}

function isStorage(module: string, name: string): boolean {
  return module === 'torch' && Object.hasOwn(STORAGES, name);
}

function orderedDict([items]: Value[], spend: (copied: number) => void): Map<Key, Value> {
  const map = new Map<Key, Value>();
  if (items === undefined) return map;
  if (items instanceof Map) {
    spend(items.size);
    return new Map(items);
  }
  if (!Array.isArray(items)) throw badTorch('an OrderedDict is made of no list');
  spend(items.length);
  for (const item of items) {
    if (!Array.isArray(item) || item.length !== 2) throw badTorch('an OrderedDict is made of no pairs');
    map.set(keyOf(item[0] as Value), item[1] as Value);
  }
  return map;
}

/**
 * ('storage', type, key, location, elements[, view]): the last only in the legacy form, (key, offset, elements) or None. A storage of
 * numbers that no file of ours has, complex ones say, is inert, and so are its tensors.
 */
function storageOf(id: Value, storages: Map<string, Storage>): Storage | Inert | Named {
  const [tag, type, key, , count, view] = Array.isArray(id) ? id : [];
  if (tag === 'module' && type instanceof Named) return type; // how the legacy form names a module's class, beside its source
  if (tag !== 'storage' || !(type instanceof Named)) throw badTorch('it refers to an object that is no storage');
  if (!isStorage(type.module, type.name)) {
    if (type.module === 'torch' || type.module === 'torch.storage') return new Inert(type.full);
    throw badTorch('it refers to an object that is no storage');
  }
  if (typeof key !== 'string' || !isCount(count)) throw badTorch('it has a storage without key or length');
  const dtype = STORAGES[type.name] as Dtype;
  const known = storages.get(key) ?? new Storage(key, dtype, count);
  if (known.dtype !== dtype || known.count !== count) throw badTorch(`it describes storage ${key.slice(0, 40)} in two ways`);
  storages.set(key, known);
  if (view === undefined || view === null) return known;
  const [, from, length] = Array.isArray(view) ? view : [];
  if (!isCount(from) || !isCount(length) || from + length > count) throw badTorch(`it has a view beyond storage ${key.slice(0, 40)}`);
  return new Storage(key, dtype, length, { storage: known, from });
}

/** (storage, offset, size, stride, requires_grad, hooks[, metadata]). */
function rebuilt([storage, offset, shape, strides, , , metadata]: Value[]): Tensor | Inert {
  if (storage instanceof Inert) return storage;
  if (!(storage instanceof Storage)) throw badTorch('a tensor has no storage');
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length)
    throw badTorch(`a tensor in storage ${storage.key.slice(0, 40)} has no proper shape`);
  if (metadata instanceof Map && metadata.get('neg') === true)
    throw badTorch('a tensor has the other sign than its storage. Save it with tensor.resolve_neg()');
  if (!Number.isInteger(bytesOf(storage.dtype, shape)))
    throw badTorch(`a tensor of shape [${shape.slice(0, 8)}] is too large to have a size`);
  const last = shape.includes(0) ? offset - 1 : shape.reduce((sum, n, i) => sum + (n - 1) * (strides[i] as number), offset);
  if (last >= storage.count)
    throw badTorch(`a tensor reaches element ${last} of storage ${storage.key.slice(0, 40)}, which has ${storage.count}`);
  const { storage: whole, from } = storage.within ?? { storage, from: 0 };
  return new Tensor(whole, from + offset, shape, strides);
}

function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: Value | undefined): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);
}
