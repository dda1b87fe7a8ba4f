/**
 * Reads the JSON of a safetensors header by its schema, piece by piece. JSON.parse of the whole will not do: it keeps the last of
 * duplicate keys, rounds integers above 2^53, takes 4.0 and 1e3 for sizes and lone surrogates for names, and recurses as deep as
 * it is told. A reader of this one schema meets none of it: what the schema does not foresee is refused where it stands.
 */
import { FaceXFormerError } from '../gpu/errors.ts';

export interface RawTensor {
  dtype: string;
  shape: number[];
  data_offsets: number[];
}

export interface RawHeader {
  tensors: Map<string, RawTensor>;
  metadata: Map<string, string>;
}

export function badFile(reason: string, options?: ErrorOptions): FaceXFormerError {
  return new FaceXFormerError('BAD_WEIGHTS_FILE', `The weights are not a valid safetensors file: ${reason}.`, options);
}

const INTEGER = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Tensors have at most this many dimensions: PyTorch's own bound is 64. */
const MAX_RANK = 64;

/** @throws FaceXFormerError BAD_WEIGHTS_FILE saying what is wrong, and where */
export function parseHeaderJson(text: string): RawHeader {
  return new HeaderReader(text).header();
}

class HeaderReader {
  #at = 0;
  /** The tensor being read, for messages. */
  #tensor: string | undefined;

  constructor(private readonly text: string) {}

  header(): RawHeader {
    const tensors = new Map<string, RawTensor>();
    const metadata = new Map<string, string>();
    this.#members('the header', (key) => {
      if (key === '__metadata__') {
        this.#members(key, (name) => metadata.set(name, this.#string('a value in __metadata__')));
        return;
      }
      this.#tensor = key;
      tensors.set(key, this.#tensorEntry());
      this.#tensor = undefined;
    });
    if (this.#at < this.text.length) this.#fail('text after the header object');
    return { tensors, metadata };
  }

  #tensorEntry(): RawTensor {
    const entry: Partial<RawTensor> = {};
    this.#members('the entry', (key) => {
      if (key === 'dtype') entry.dtype = this.#string(key);
      else if (key === 'shape') entry.shape = this.#integers(key, MAX_RANK);
      else if (key === 'data_offsets') entry.data_offsets = this.#integers(key, 2);
      else this.#fail(`unknown field ${quote(key)}`);
    });
    const { dtype, shape, data_offsets } = entry;
    if (dtype === undefined) return this.#fail('no dtype');
    if (shape === undefined) return this.#fail('no shape');
    if (data_offsets?.length !== 2) return this.#fail('no two data_offsets');
    return { dtype, shape, data_offsets };
  }

  /** `{ key: member, ... }` with white space around it; `member` reads the value. */
  #members(what: string, member: (key: string) => void): void {
    const found = new Set<string>();
    this.#list('{', '}', what, () => {
      const key = this.#string('a key');
      if (found.has(key)) this.#fail(`duplicate key ${quote(key)} in ${what}`);
      found.add(key);
      this.#expect(':', what);
      member(key);
    });
  }

  #integers(field: string, limit: number): number[] {
    const found: number[] = [];
    this.#list('[', ']', field, () => {
      if (found.length === limit) this.#fail(`${field} has more than ${limit} numbers`);
      INTEGER.lastIndex = this.#at;
      const digits = INTEGER.exec(this.text)?.[0] ?? this.#fail(`${field} must hold non-negative integers, plainly written`);
      this.#at += digits.length;
      if (!Number.isSafeInteger(Number(digits))) this.#fail(`${field} has a number above 2^53 - 1`);
      found.push(Number(digits));
    });
    return found;
  }

  /** What stands between two brackets, with commas; `one` reads each. */
  #list(open: string, close: string, what: string, one: () => void): void {
    this.#expect(open, what);
    if (this.#taken(close)) return;
    do one();
    while (this.#taken(','));
    this.#expect(close, what);
  }

  /** JSON.parse reads strings well, but for halves of surrogate pairs. */
  #string(what: string): string {
    this.#space();
    const start = this.#at;
    if (this.text[start] !== '"') this.#fail(`${what} must be a string`);
    do this.#at += this.text[this.#at] === '\\' ? 2 : 1;
    while (this.#at < this.text.length && this.text[this.#at] !== '"');
    this.#at++;
    let value = '';
    try {
      value = JSON.parse(this.text.slice(start, this.#at));
    } catch {
      this.#fail(`${what} does not end, or holds a control character or a bad escape`);
    }
    if (LONE_SURROGATE.test(value)) this.#fail(`${what} holds half of a surrogate pair`);
    return value;
  }

  #expect(mark: string, what: string): void {
    if (!this.#taken(mark)) this.#fail(`expected '${mark}' in ${what}`);
  }

  #taken(mark: string): boolean {
    this.#space();
    if (this.text[this.#at] !== mark) return false;
    this.#at++;
    this.#space();
    return true;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.text[this.#at] ?? '-')) this.#at++;
  }

  #fail(what: string): never {
    const where = this.#tensor === undefined ? '' : ` for tensor ${quote(this.#tensor)}`;
    throw badFile(`${what}${where} (character ${this.#at} of the header)`);
  }
}

/** A name as messages show it: quoted, escaped and never longer than a line. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
}
