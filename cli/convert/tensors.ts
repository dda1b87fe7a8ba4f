/** The words of torch.save's pickles: storages, the tensors that look into them, and a few names that mean nothing to us. */
import type { Dtype } from '../../src/checkpoint/checkpoint.ts';
import { bytesOf } from '../../src/checkpoint/dtypes.ts';
import { badTorch, Named, type Value, type Vocabulary } from './pickle.ts';

/** A run of elements in the file. */
export class Storage {
  constructor(
    readonly key: string,
    readonly dtype: Dtype,
    /** Elements. */
    readonly count: number,
    /** The elements that a view of another storage leaves out before its own; the legacy form has such views. */
    readonly from = 0,
  ) {}
}

/** A strided look into a storage. */
export class Tensor {
  constructor(
    readonly storage: Storage,
    /** Of the first element, in elements. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  /** Bytes of the tensor when its elements lie side by side. */
  get bytes(): number {
    return bytesOf(this.storage.dtype, this.shape);
  }
}

/** What stands for an object that is no tensor and no plain data. */
export class Inert {
  constructor(readonly of: string) {}
}

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
const PARAMETER = 'torch._utils._rebuild_parameter';

/** Names that training files carry beside their tensors. They are noted and not made. */
const INERT = new Set([
  ...['collections.Counter', 'collections.defaultdict', 'argparse.Namespace', 'torch.Size', 'torch.device'],
  ...['numpy.dtype', 'numpy.ndarray', '_codecs.encode'],
  ...['numpy.core.multiarray', 'numpy._core.multiarray'].flatMap((at) => [`${at}.scalar`, `${at}._reconstruct`]),
  ...['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'].map((dtype) => `torch.${dtype}`),
  ...['__builtin__', 'builtins'].flatMap((at) =>
    ['dict', 'list', 'tuple', 'set', 'int', 'float', 'bytearray'].map((name) => `${at}.${name}`),
  ),
]);

/** The vocabulary of one file; `storages` gathers what the pickle speaks of. */
export function torchVocabulary(storages: Map<string, Storage>): Vocabulary {
  return {
    knows: (named) =>
      isStorage(named) || named.full === ORDERED || named.full === PARAMETER || REBUILD.includes(named.full) || INERT.has(named.full),
    reduce: (named, args) => {
      if (named.full === ORDERED) return orderedDict(args);
      if (REBUILD.includes(named.full)) return rebuilt(args);
      if (named.full === PARAMETER) return args[0] ?? null;
      if (INERT.has(named.full)) return new Inert(named.full);
      throw badTorch(`its pickle calls ${named.full}`);
    },
    persistent: (id) => storageOf(id, storages),
    ignoresState: (object) => object instanceof Map || object instanceof Tensor || object instanceof Inert,
  };
}

function isStorage({ module, name }: Named): boolean {
  return module === 'torch' && Object.hasOwn(STORAGES, name);
}

function orderedDict([items]: Value[]): Map<Value, Value> {
  const map = new Map<Value, Value>();
  if (items === undefined) return map;
  if (!Array.isArray(items)) throw badTorch('an OrderedDict is made of no list');
  for (const item of items) {
    if (!Array.isArray(item) || item.length !== 2) throw badTorch('an OrderedDict is made of no pairs');
    map.set(item[0] as Value, item[1] as Value);
  }
  return map;
}

/** ('storage', type, key, location, elements[, view]): the last only in the legacy form, (key, offset, elements) or None. */
function storageOf(id: Value, storages: Map<string, Storage>): Storage {
  const [tag, type, key, , count, view] = Array.isArray(id) ? id : [];
  if (tag !== 'storage' || !(type instanceof Named) || !isStorage(type)) throw badTorch('it refers to an object that is no storage');
  if (typeof key !== 'string' || !isCount(count)) throw badTorch('it has a storage without key or length');
  const dtype = STORAGES[type.name] as Dtype;
  const known = storages.get(key) ?? new Storage(key, dtype, count);
  if (known.dtype !== dtype || known.count !== count) throw badTorch(`it describes storage ${key.slice(0, 40)} in two ways`);
  storages.set(key, known);
  if (view === undefined || view === null) return known;
  const [, from, length] = Array.isArray(view) ? view : [];
  if (!isCount(from) || !isCount(length) || from + length > count) throw badTorch(`it has a view beyond storage ${key.slice(0, 40)}`);
  return new Storage(key, dtype, length, from);
}

/** (storage, offset, size, stride, ...). */
function rebuilt([storage, offset, shape, strides]: Value[]): Tensor {
  if (!(storage instanceof Storage)) throw badTorch('a tensor has no storage');
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length || shape.length > 64)
    throw badTorch(`a tensor in storage ${storage.key.slice(0, 40)} has no proper shape`);
  if (!Number.isInteger(bytesOf(storage.dtype, shape)))
    throw badTorch(`a tensor of shape [${shape.slice(0, 8)}] is too large to have a size`);
  const last = shape.includes(0) ? offset - 1 : shape.reduce((sum, n, i) => sum + (n - 1) * (strides[i] as number), offset);
  if (last >= storage.count)
    throw badTorch(`a tensor reaches element ${last} of storage ${storage.key.slice(0, 40)}, which has ${storage.count}`);
  return new Tensor(storage, offset, shape, strides);
}

function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: Value | undefined): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}
