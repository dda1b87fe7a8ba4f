/**
 * A data-only reader of Python pickles, as torch.save writes them. A pickle is a program for a stack machine; this machine builds
 * maps, lists, numbers and strings and knows a short list of names (torch.ts), each of which stands for data. It calls nothing and
 * refuses every other name. Work and memory are bounded by the pickle's own length.
 */
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { OPCODES } from './opcodes.ts';

/** What a pickle can hold here. Tuples are arrays; dicts, ordered or not, are Maps; an `object` is what the Vocabulary made of a name. */
export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | Map<Value, Value> | Named | object;

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
  /** Whether the name may stand in the pickle. */
  knows(name: Named): boolean;
  /** name(...args): what it stands for. */
  reduce(name: Named, args: Value[]): Value;
  /** The object that a persistent id stands for. */
  persistent(id: Value): Value;
  /** Whether object.__setstate__(state) may be ignored: the state is of no use to us. */
  ignoresState(object: Value): boolean;
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

/**
 * Reads one pickle from `start`.
 * @returns the object and where the pickle ends
 * @throws FaceXFormerError BAD_WEIGHTS_FILE; PickleEnds if the bytes end first
 */
export function readPickle(bytes: Uint8Array, vocabulary: Vocabulary, start = 0): { value: Value; end: number } {
  return new Machine(bytes, vocabulary, start).run();
}

/** The machine on which the opcodes of opcodes.ts work. */
export class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #vocabulary: Vocabulary;
  readonly #stack: Cell[] = [];
  readonly #memo = new Map<number, Value>();
  #at: number;

  constructor(bytes: Uint8Array, vocabulary: Vocabulary, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#vocabulary = vocabulary;
    this.#at = start;
  }

  run(): { value: Value; end: number } {
    for (;;) {
      const at = this.#at;
      const code = this.byte();
      if (code === 0x2e) return { value: this.pop(), end: this.#at };
      const step = OPCODES[String.fromCharCode(code)];
      if (!step) throw badTorch(`opcode 0x${code.toString(16).padStart(2, '0')} at byte ${at} of its pickle is not one that data needs`);
      step(this);
    }
  }

  byte(): number {
    return this.#bytes[this.#skip(1)] as number;
  }
  /** A little-endian count of n bytes. */
  count(n: 1 | 2 | 4 | 8): number {
    const at = this.#skip(n);
    if (n === 1) return this.#view.getUint8(at);
    if (n === 2) return this.#view.getUint16(at, true);
    if (n === 4) return this.#view.getUint32(at, true);
    const long = this.#view.getBigUint64(at, true);
    if (long > BigInt(Number.MAX_SAFE_INTEGER)) throw badTorch(`a length of ${long} in its pickle`);
    return Number(long);
  }
  int32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }
  float64(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }
  slice(n: number): Uint8Array {
    const at = this.#skip(n);
    return this.#bytes.subarray(at, at + n);
  }
  text(n: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.slice(n));
    } catch (cause) {
      if (cause instanceof PickleEnds) throw cause;
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
    const digits = this.slice(n);
    let value = 0n;
    for (let i = n - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i] as number);
    return plain(n > 0 && (digits[n - 1] as number) > 127 ? value - (1n << BigInt(8 * n)) : value);
  }
  decimal(text: string): number | bigint {
    if (!/^-?\d{1,150}L?$/.test(text)) throw badTorch('an integer in its pickle is not one');
    return plain(BigInt(text.replace('L', '')));
  }

  push(value: Cell): void {
    this.#stack.push(value);
  }
  mark(): void {
    this.#stack.push(MARK);
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
  /** What lies above the last mark; the mark goes too. */
  popMark(): Value[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw badTorch('its pickle lacks a mark');
    return this.#stack.splice(mark).slice(1) as Value[];
  }
  popArray(what: string): Value[] {
    const value = this.pop();
    if (!Array.isArray(value)) throw badTorch(`its pickle wants ${what} and has something else`);
    return value;
  }
  /** Adds key, value, key, value, ... to the dict below. */
  setItems(items: Value[]): void {
    const target = this.top();
    if (!(target instanceof Map) || items.length % 2) throw badTorch('its pickle sets items of what is no dict');
    for (let i = 0; i < items.length; i += 2) target.set(items[i] as Value, items[i + 1] as Value);
  }
  append(items: Value[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw badTorch('its pickle appends to what is no list');
    for (const item of items) target.push(item);
  }
  put(key: number): void {
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
    if (!this.#vocabulary.knows(named))
      throw badTorch(
        `it contains ${JSON.stringify(named.full.slice(0, 120))}, which is code, not data. Save the state dict instead: torch.save(model.state_dict(), FILE)`,
      );
    this.push(named);
  }
  reduce(): void {
    const args = this.popArray('a tuple of arguments');
    const name = this.pop();
    if (!(name instanceof Named)) throw badTorch('its pickle calls what is no name');
    this.push(this.#vocabulary.reduce(name, args));
  }
  build(): void {
    this.pop();
    if (!this.#vocabulary.ignoresState(this.top())) throw badTorch('its pickle sets the state of what is no data');
  }
  persistent(): void {
    this.push(this.#vocabulary.persistent(this.pop()));
  }

  #skip(n: number): number {
    const at = this.#at;
    if (n > this.#bytes.length - at) throw new PickleEnds();
    this.#at += n;
    return at;
  }
}

function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
