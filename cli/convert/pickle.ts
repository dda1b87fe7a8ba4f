/**
 * A data-only reader of Python pickles, as torch.save writes them. A pickle is a program for a stack machine; this machine builds
 * maps, lists, numbers and strings, and asks a Vocabulary (tensors.ts) what each name stands for. It calls nothing. Time and memory
 * grow no faster than the pickle's length: whatever an opcode makes or copies is counted, and the count is bounded by that length.
 */
import { FaceXFormerError } from '../../src/gpu/errors.ts';

/**
 * What a pickle can hold here. Tuples and sets are arrays; dicts, ordered or not, are Maps; an `object` is what the Vocabulary made of a
 * name, and may have items of its own.
 */
export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | Map<Key, Value> | Named | object;

/** A dict's key: text, or an object, which is itself and no other. */
export type Key = string | object;

/**
 * A key that is no text and no object. A Map places numbers by a hash that a file's author can foresee, and texts and objects by one that
 * nobody can: a file of keys chosen to collide would be read in quadratic time.
 */
export class PlainKey {
  constructor(readonly value: null | boolean | number | bigint) {}
}

/** A global name, before it is called. */
export class Named {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
  get full(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What a pickle's names mean. */
export interface Vocabulary {
  /** Notes a name that stands in the pickle. @throws FaceXFormerError BAD_WEIGHTS_FILE for one that no file of weights may hold */
  meet(name: Named): void;
  /** what(...args): what it stands for. `spend` counts what is copied out of the arguments. */
  reduce(what: Value, args: Value[], spend: (copied: number) => void): Value;
  /** The object that a persistent id stands for. */
  persistent(id: Value): Value;
  /** object.__setstate__(state). @throws FaceXFormerError BAD_WEIGHTS_FILE where the object can have none */
  setState(object: Value, state: Value): void;
  /** Where an object that is itself no dict keeps the items that a pickle gives it; undefined where it can have none. */
  itemsOf(object: Value): Map<Key, Value> | undefined;
  /** The same for an object that is no list. */
  listOf(object: Value): Value[] | undefined;
}

export function badTorch(reason: string, options?: ErrorOptions): FaceXFormerError {
  return new FaceXFormerError('BAD_WEIGHTS_FILE', `This PyTorch file cannot be read: ${reason}.`, options);
}

/** The bytes end before the pickle does; more of them may help. */
export class PickleEnds extends Error {}

const MARK = Symbol('mark');
type Cell = Value | typeof MARK;

/** Longest integer taken, in bytes. The longest that torch.save writes is its magic number, of ten. */
const MAX_INTEGER = 64;
/** Most objects that a pickle may build or store. A state dict takes twenty a tensor. */
const MAX_OBJECTS = 500_000;
/** Most cells of its stack. Writers clear it every thousand items. */
const MAX_STACK = 1_000_000;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads one pickle from `start`.
 * @returns the object and where the pickle ends
 * @throws FaceXFormerError BAD_WEIGHTS_FILE; PickleEnds if the bytes end first
 */
export function readPickle(bytes: Uint8Array, vocabulary: Vocabulary, start = 0): { value: Value; end: number } {
  return new Machine(bytes, vocabulary, start).run();
}

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #vocabulary: Vocabulary;
  readonly #stack: Cell[] = [];
  readonly #memo = new Map<number, Value>();
  readonly #spend = (objects: number) => this.spend(objects);
  #at: number;
  /** Objects that may still be built or copied. Each takes a byte of the pickle at least, unless it is a copy. */
  #room: number;

  constructor(bytes: Uint8Array, vocabulary: Vocabulary, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#vocabulary = vocabulary;
    this.#at = start;
    this.#room = Math.min(bytes.length - start, MAX_OBJECTS);
  }

  run(): { value: Value; end: number } {
    for (;;) {
      const at = this.#at;
      const code = this.byte();
      if (code === STOP) return { value: this.pop(), end: this.#at };
      const step = OPCODES[code];
      if (!step) throw badTorch(`opcode 0x${code.toString(16).padStart(2, '0')} at byte ${at} of its pickle is not one that data needs`);
      step(this);
    }
  }

  /** Counts objects that are built or copied. */
  spend(objects: number): void {
    this.#room -= objects;
    if (this.#room < 0) throw badTorch('its pickle builds more objects than a file of weights has');
  }

  byte(): number {
    return this.#bytes[this.skip(1)] as number;
  }
  /** A little-endian count of n bytes. */
  count(n: 1 | 2 | 4 | 8): number {
    const at = this.skip(n);
    if (n === 1) return this.#view.getUint8(at);
    if (n === 2) return this.#view.getUint16(at, true);
    if (n === 4) return this.#view.getUint32(at, true);
    const long = this.#view.getBigUint64(at, true);
    if (long > BigInt(Number.MAX_SAFE_INTEGER)) throw badTorch(`a length of ${long} in its pickle`);
    return Number(long);
  }
  int32(): number {
    return this.#view.getInt32(this.skip(4), true);
  }
  float64(): number {
    return this.#view.getFloat64(this.skip(8), false);
  }
  slice(n: number): Uint8Array {
    this.spend(1);
    const at = this.skip(n);
    return this.#bytes.subarray(at, at + n);
  }
  text(n: number): string {
    const at = this.skip(n);
    try {
      return UTF8.decode(this.#bytes.subarray(at, at + n));
    } catch (cause) {
      throw badTorch('a string in its pickle is not UTF-8', { cause });
    }
  }
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new PickleEnds();
    const text = this.text(end - this.#at);
    this.#at++;
    return text;
  }
  /** Two's complement, little-endian. */
  integer(n: number): number | bigint {
    if (n > MAX_INTEGER) throw badTorch(`an integer of ${n} bytes in its pickle`);
    const at = this.skip(n);
    let value = 0n;
    for (let i = n - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[at + i] as number);
    return plain(n > 0 && (this.#bytes[at + n - 1] as number) > 127 ? value - (1n << BigInt(8 * n)) : value);
  }
  decimal(text: string): number | bigint {
    if (!/^-?\d{1,150}L?$/.test(text)) throw badTorch('an integer in its pickle is not one');
    return plain(BigInt(text.replace('L', '')));
  }
  /** INT, which is how the oldest pickles write truth values too. */
  integerLine(): Value {
    const text = this.line();
    return text === '00' ? false : text === '01' ? true : this.decimal(text);
  }

  push(value: Cell): void {
    if (this.#stack.length === MAX_STACK) throw badTorch('its pickle puts more on its stack than a file of weights does');
    this.#stack.push(value);
  }
  /** Pushes a new tuple, list, set or dict. */
  build(made: Value[] | Map<Key, Value>): void {
    this.spend(1);
    this.push(made);
  }
  mark(): void {
    this.push(MARK);
  }
  pop(): Value {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw badTorch('its pickle takes from an empty stack');
    return value;
  }
  drop(): void {
    if (this.#stack.pop() === undefined) throw badTorch('its pickle takes from an empty stack');
  }
  top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw badTorch('its pickle looks at an empty stack');
    return value;
  }
  /** The n values on top, in the order in which they were pushed. */
  popMany(n: number): Value[] {
    return Array.from({ length: n }, () => this.pop()).reverse();
  }
  /** What lies above the last mark; the mark goes too. */
  popMark(): Value[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw badTorch('its pickle lacks a mark');
    const above = this.#stack.slice(mark + 1) as Value[];
    this.#stack.length = mark;
    return above;
  }
  popArray(what: string): Value[] {
    const value = this.pop();
    if (!Array.isArray(value)) throw badTorch(`its pickle wants ${what} and has something else`);
    return value;
  }
  /** A new dict of key, value, key, value, ... */
  dict(items: Value[]): void {
    this.build(new Map());
    this.setItems(items);
  }
  /** Adds key, value, key, value, ... to the dict below. */
  setItems(items: Value[]): void {
    const target = this.top();
    const map = target instanceof Map ? target : this.#vocabulary.itemsOf(target);
    if (!map || items.length % 2) throw badTorch('its pickle sets items of what is no dict');
    for (let i = 0; i < items.length; i += 2) map.set(keyOf(items[i] as Value), items[i + 1] as Value);
  }
  append(items: Value[]): void {
    const target = this.top();
    const list = Array.isArray(target) ? target : this.#vocabulary.listOf(target);
    if (!list) throw badTorch('its pickle appends to what is no list');
    for (const item of items) list.push(item);
  }
  /** Writers number what they store from 0 on, so that a number is less than the bytes that came before it. */
  put(key: number): void {
    if (!(key >= 0 && key < this.#at)) throw badTorch(`its pickle stores something as ${key}`);
    this.spend(1);
    this.#memo.set(key, this.top());
  }
  memoize(): void {
    this.put(this.#memo.size);
  }
  get(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw badTorch(`its pickle recalls ${key}, which it never stored`);
    this.push(value);
  }

  global(module: Value, name: Value): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw badTorch('a name in its pickle is not text');
    const named = new Named(module, name);
    this.spend(1);
    this.#vocabulary.meet(named);
    this.push(named);
  }
  /** REDUCE, and NEWOBJ, which to data is the same. */
  reduce(): void {
    const args = this.popArray('a tuple of arguments');
    this.spend(1);
    this.push(this.#vocabulary.reduce(this.pop(), args, this.#spend));
  }
  setState(): void {
    const state = this.pop();
    this.#vocabulary.setState(this.top(), state);
  }
  persistent(): void {
    this.spend(1);
    this.push(this.#vocabulary.persistent(this.pop()));
  }

  /** Goes n bytes on. @returns where they begin */
  skip(n: number): number {
    const at = this.#at;
    if (n > this.#bytes.length - at) throw new PickleEnds();
    this.#at += n;
    return at;
  }
}

const STOP = 0x2e;

/** What each opcode does: those that data needs, and no other. By code; names as in CPython's pickletools. */
const OPCODES: ((m: Machine) => void)[] = [];
const opcodes: Readonly<Record<string, (m: Machine) => void>> = {
  '\x80': (m) => void m.skip(1), // PROTO
  '\x95': (m) => void m.skip(8), // FRAME
  '(': (m) => m.mark(),
  '0': (m) => m.drop(), // POP
  '1': (m) => void m.popMark(), // POP_MARK
  '2': (m) => m.push(m.top()), // DUP
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  I: (m) => m.push(m.integerLine()), // INT
  L: (m) => m.push(m.decimal(m.line())), // LONG
  J: (m) => m.push(m.int32()), // BININT
  K: (m) => m.push(m.count(1)), // BININT1
  M: (m) => m.push(m.count(2)), // BININT2
  '\x8a': (m) => m.push(m.integer(m.count(1))), // LONG1
  '\x8b': (m) => m.push(m.integer(m.count(4))), // LONG4
  F: (m) => m.push(Number(m.line())), // FLOAT
  G: (m) => m.push(m.float64()), // BINFLOAT
  X: (m) => m.push(m.text(m.count(4))), // BINUNICODE
  '\x8c': (m) => m.push(m.text(m.count(1))), // SHORT_BINUNICODE
  '\x8d': (m) => m.push(m.text(m.count(8))), // BINUNICODE8
  V: (m) => m.push(m.line()), // UNICODE
  T: (m) => m.push(m.text(m.count(4))), // BINSTRING
  U: (m) => m.push(m.text(m.count(1))), // SHORT_BINSTRING
  B: (m) => m.push(m.slice(m.count(4))), // BINBYTES
  C: (m) => m.push(m.slice(m.count(1))), // SHORT_BINBYTES
  '\x8e': (m) => m.push(m.slice(m.count(8))), // BINBYTES8
  '\x96': (m) => m.push(m.slice(m.count(8))), // BYTEARRAY8
  ']': (m) => m.build([]), // EMPTY_LIST
  a: (m) => m.append(m.popMany(1)), // APPEND
  e: (m) => m.append(m.popMark()), // APPENDS
  l: (m) => m.build(m.popMark()), // LIST
  ')': (m) => m.build([]), // EMPTY_TUPLE
  t: (m) => m.build(m.popMark()), // TUPLE
  '\x85': (m) => m.build(m.popMany(1)), // TUPLE1
  '\x86': (m) => m.build(m.popMany(2)), // TUPLE2
  '\x87': (m) => m.build(m.popMany(3)), // TUPLE3
  '}': (m) => m.build(new Map()), // EMPTY_DICT
  d: (m) => m.dict(m.popMark()), // DICT
  s: (m) => m.setItems(m.popMany(2)), // SETITEM
  u: (m) => m.setItems(m.popMark()), // SETITEMS
  '\x8f': (m) => m.build([]), // EMPTY_SET
  '\x90': (m) => m.append(m.popMark()), // ADDITEMS
  '\x91': (m) => m.build(m.popMark()), // FROZENSET
  p: (m) => m.put(Number(m.decimal(m.line()))), // PUT
  q: (m) => m.put(m.count(1)), // BINPUT
  r: (m) => m.put(m.count(4)), // LONG_BINPUT
  '\x94': (m) => m.memoize(),
  g: (m) => m.get(Number(m.decimal(m.line()))), // GET
  h: (m) => m.get(m.count(1)), // BINGET
  j: (m) => m.get(m.count(4)), // LONG_BINGET
  c: (m) => m.global(m.line(), m.line()), // GLOBAL
  '\x93': (m) => {
    const [module, name] = m.popMany(2);
    m.global(module as Value, name as Value); // STACK_GLOBAL
  },
  R: (m) => m.reduce(),
  '\x81': (m) => m.reduce(), // NEWOBJ
  '\x92': (m) => {
    m.pop(); // NEWOBJ_EX: keyword arguments are of no use to us
    m.reduce();
  },
  b: (m) => m.setState(), // BUILD
  Q: (m) => m.persistent(), // BINPERSID
};
for (const [character, step] of Object.entries(opcodes)) OPCODES[character.charCodeAt(0)] = step;

function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export function keyOf(value: Value): Key {
  return typeof value === 'string' || (typeof value === 'object' && value !== null) ? value : new PlainKey(value);
}
