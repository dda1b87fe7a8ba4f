/**
 * Reads the JSON of a safetensors header by its schema, character by character. JSON.parse will not do: it keeps the last of
 * duplicate keys, rounds integers above 2^53, takes 4.0 and 1e3 for sizes and lone surrogates for names, and recurses as deep as
 * it is told. A reader of this one schema meets none of it: what the schema does not foresee is refused where it stands.
 */

export interface RawTensor {
  dtype: string;
  shape: number[];
  data_offsets: number[];
}

export interface RawHeader {
  tensors: Map<string, RawTensor>;
  metadata: Map<string, string>;
}

/** Why a text is not a header, and where. */
export class HeaderSyntaxError extends Error {}

const INTEGER = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
/** Everything from the space on, but for the quote and the backslash. */
const PLAIN = /[ !#-[\]-\uffff]*/y;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SPACE = ' \t\n\r';
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** At most this many dimensions: PyTorch's own bound is 64. */
const MAX_RANK = 64;

/** Throws HeaderSyntaxError. */
export function parseHeaderJson(text: string): RawHeader {
  return new HeaderReader(text).header();
}

class HeaderReader {
  private at = 0;
  /** The tensor being read, for messages. */
  private tensor: string | undefined;

  constructor(private readonly text: string) {}

  header(): RawHeader {
    const tensors = new Map<string, RawTensor>();
    let metadata: Map<string, string> | undefined;
    this.members('the header', (key) => {
      if (key === '__metadata__') {
        if (metadata) this.fail('duplicate key "__metadata__"');
        metadata = this.metadata();
        return;
      }
      this.tensor = key;
      if (tensors.has(key)) this.fail('duplicate entry');
      tensors.set(key, this.tensorEntry());
      this.tensor = undefined;
    });
    if (this.at < this.text.length) this.fail('text after the header object');
    return { tensors, metadata: metadata ?? new Map() };
  }

  private metadata(): Map<string, string> {
    const found = new Map<string, string>();
    this.members('__metadata__', (key) => {
      if (found.has(key)) this.fail(`duplicate key ${quote(key)} in __metadata__`);
      found.set(key, this.string('a value in __metadata__'));
    });
    return found;
  }

  private tensorEntry(): RawTensor {
    const entry: Partial<RawTensor> = {};
    this.members('the entry', (key) => {
      if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') return this.fail(`unknown field ${quote(key)}`);
      if (entry[key] !== undefined) this.fail(`duplicate field ${quote(key)}`);
      if (key === 'dtype') entry.dtype = this.string('dtype');
      else entry[key] = this.integers(key, key === 'shape' ? MAX_RANK : 2);
    });
    const { dtype, shape, data_offsets } = entry;
    if (dtype === undefined) return this.fail('no dtype');
    if (shape === undefined) return this.fail('no shape');
    if (data_offsets?.length !== 2) return this.fail('no two data_offsets');
    return { dtype, shape, data_offsets };
  }

  /** `{ key: member, ... }` with white space around it; `member` reads the value. */
  private members(what: string, member: (key: string) => void): void {
    this.expect('{', what);
    if (this.taken('}')) return;
    do {
      const key = this.string('a key');
      this.expect(':', what);
      member(key);
    } while (this.taken(','));
    this.expect('}', what);
  }

  private integers(field: string, limit: number): number[] {
    const found: number[] = [];
    this.expect('[', field);
    if (this.taken(']')) return found;
    do {
      if (found.length === limit) this.fail(`${field} has more than ${limit} numbers`);
      const digits = this.match(INTEGER);
      if (digits === '') this.fail(`${field} must hold non-negative integers, plainly written`);
      if (!Number.isSafeInteger(Number(digits))) this.fail(`${field} has a number above 2^53 - 1`);
      found.push(Number(digits));
    } while (this.taken(','));
    this.expect(']', field);
    return found;
  }

  private string(what: string): string {
    this.space();
    if (this.text[this.at] !== '"') this.fail(`${what} must be a string`);
    this.at++;
    let value = '';
    for (;;) {
      value += this.match(PLAIN);
      const end = this.text[this.at++];
      if (end === '"') break;
      if (end !== '\\') this.fail(`${what} does not end, or holds a control character`);
      value += this.escape(what);
    }
    if (LONE_SURROGATE.test(value)) this.fail(`${what} holds half of a surrogate pair`);
    return value;
  }

  private escape(what: string): string {
    const kind = this.text[this.at++] ?? '';
    const plain = ESCAPES[kind];
    if (plain !== undefined) return plain;
    const hex = this.text.slice(this.at, this.at + 4);
    if (kind !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) this.fail(`${what} holds a bad escape`);
    this.at += 4;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  private expect(mark: string, what: string): void {
    if (!this.taken(mark)) this.fail(`expected '${mark}' in ${what}`);
  }

  private taken(mark: string): boolean {
    this.space();
    if (this.text[this.at] !== mark) return false;
    this.at++;
    this.space();
    return true;
  }

  private space(): void {
    while (SPACE.includes(this.text.charAt(this.at)) && this.at < this.text.length) this.at++;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return '';
    const found = this.text.slice(this.at, pattern.lastIndex);
    this.at = pattern.lastIndex;
    return found;
  }

  private fail(what: string): never {
    const where = this.tensor === undefined ? '' : ` for tensor ${quote(this.tensor)}`;
    throw new HeaderSyntaxError(`${what}${where} (character ${this.at} of the header)`);
  }
}

/** A name as messages show it: quoted, escaped and never longer than a line. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
}
