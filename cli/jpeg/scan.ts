/** The coded data of one scan: Huffman's codes become coefficients, of a whole block at once or, where a file is progressive, bit by bit. */
import { transformBlock } from './cosine.ts';
import { type Component, type Frame, markerAfter, ZIGZAG } from './frame.ts';

/** How many codes there are of each length, 1 to 16, and what they stand for, from short to long. */
export interface HuffmanCode {
  readonly counts: readonly number[];
  readonly symbols: Uint8Array;
}

export interface Scan {
  readonly parts: readonly {
    readonly component: Component;
    readonly dc?: HuffmanCode | undefined;
    readonly ac?: HuffmanCode | undefined;
  }[];
  /** After so many units what is known of the data before is forgotten; 0: never. */
  readonly interval: number;
  /** The coefficients that it has, by the order in which they are stored. */
  readonly first: number;
  readonly last: number;
  /** How many of their lowest bits were lacking before, 0 where none were known, and how many are lacking afterwards. */
  readonly high: number;
  readonly low: number;
}

type Decode = (component: Part, block: Int16Array, at: number) => void;

interface Part {
  readonly component: Component;
  readonly dc: Lookup | undefined;
  readonly ac: Lookup | undefined;
  /** The mean of the block before. */
  predicted: number;
}

/** Decodes one scan. Returns where the next segment is looked for. @throws Error */
export function decodeScan(
  bytes: Uint8Array,
  from: number,
  frame: Pick<Frame, 'width' | 'height' | 'across' | 'down' | 'isProgressive'>,
  scan: Scan,
): number {
  const bits = new Bits(bytes, from);
  const parts = scan.parts.map(
    ({ component, dc, ac }): Part => ({
      component,
      dc: dc && scan.first === 0 ? lookupOf(dc) : undefined,
      ac: ac && scan.last > 0 ? lookupOf(ac) : undefined,
      predicted: 0,
    }),
  );
  const decoder = new Decoder(bits, scan);
  const decode = decoder.of(frame.isProgressive);
  const whole = new Int16Array(64);
  const decodeBlock = (part: Part, row: number, column: number) => {
    const { coefficients, blocksAcross, quantisation, samples } = part.component;
    if (frame.isProgressive) decode(part, coefficients, 64 * (row * blocksAcross + column));
    else {
      whole.fill(0);
      decode(part, whole, 0);
      transformBlock(whole, quantisation as Uint16Array, samples, 8 * (8 * row * blocksAcross + column), 8 * blocksAcross);
    }
    if (bits.isSpent) throw new Error('it is cut short, or its data are damaged');
  };

  // The blocks of a component alone are those of the picture; together with others each has its part of a unit, which may reach beyond it.
  const [alone] = parts as [Part];
  const isAlone = parts.length === 1;
  const unitsAcross = isAlone ? Math.ceil(alone.component.width / 8) : Math.ceil(frame.width / (8 * frame.across));
  const unitsDown = isAlone ? Math.ceil(alone.component.height / 8) : Math.ceil(frame.height / (8 * frame.down));
  for (let unit = 0; unit < unitsAcross * unitsDown; unit++) {
    if (scan.interval > 0 && unit > 0 && unit % scan.interval === 0) {
      bits.restart();
      decoder.skipped = 0;
      for (const part of parts) part.predicted = 0;
    }
    const [row, column] = [Math.floor(unit / unitsAcross), unit % unitsAcross];
    if (isAlone) decodeBlock(alone, row, column);
    else
      for (const part of parts) {
        const { across, down } = part.component;
        for (let v = 0; v < down; v++) for (let h = 0; h < across; h++) decodeBlock(part, row * down + v, column * across + h);
      }
  }
  return bits.at;
}

class Decoder {
  /** So many blocks more have no new coefficient. */
  skipped = 0;
  readonly bits: Bits;
  readonly scan: Scan;

  constructor(bits: Bits, scan: Scan) {
    this.bits = bits;
    this.scan = scan;
  }

  of(isProgressive: boolean): Decode {
    const { first, high } = this.scan;
    if (!isProgressive) return (part, block, at) => this.#whole(part, block, at);
    if (first === 0) return high === 0 ? (part, block, at) => this.#mean(part, block, at) : (_, block, at) => this.#refineMean(block, at);
    return high === 0 ? (part, block, at) => this.#others(part, block, at) : (part, block, at) => this.#refineOthers(part, block, at);
  }

  #whole(part: Part, block: Int16Array, at: number): void {
    this.#mean(part, block, at);
    const { bits } = this;
    for (let k = 1; k < 64; k++) {
      const symbol = bits.symbol(part.ac);
      const size = symbol & 15;
      k += symbol >> 4;
      if (size === 0) {
        if (symbol !== 0xf0) return;
      } else if (k > 63) throw damaged();
      else block[at + (ZIGZAG[k] as number)] = bits.number(size);
    }
  }

  #mean(part: Part, block: Int16Array, at: number): void {
    const size = this.bits.symbol(part.dc);
    if (size > 15) throw damaged();
    part.predicted += size > 0 ? this.bits.number(size) : 0;
    block[at] = part.predicted << this.scan.low;
  }

  #refineMean(block: Int16Array, at: number): void {
    if (this.bits.take(1) === 1) block[at] = (block[at] as number) | (1 << this.scan.low);
  }

  #others({ ac }: Part, block: Int16Array, at: number): void {
    if (this.skipped > 0) {
      this.skipped--;
      return;
    }
    const { bits } = this;
    const { first, last, low } = this.scan;
    for (let k = first; k <= last; k++) {
      const symbol = bits.symbol(ac);
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size === 0 && run < 15) {
        this.skipped = (1 << run) - 1 + bits.take(run);
        return;
      }
      k += run;
      if (size === 0) continue;
      if (k > last) throw damaged();
      block[at + (ZIGZAG[k] as number)] = bits.number(size) << low;
    }
  }

  /** A bit more of each coefficient that is known, and, between them, those that begin with this bit. */
  #refineOthers({ ac }: Part, block: Int16Array, at: number): void {
    const { bits } = this;
    const { first, last, low } = this.scan;
    let k = first;
    if (this.skipped === 0)
      for (; k <= last; k++) {
        const symbol = bits.symbol(ac);
        const [run, size] = [symbol >> 4, symbol & 15];
        if (size === 0 && run < 15) {
          this.skipped = (1 << run) + bits.take(run);
          break;
        }
        if (size > 1) throw damaged();
        const begun = size === 0 ? 0 : bits.take(1) === 1 ? 1 << low : -1 << low;
        k = this.#refineUntil(block, at, k, run);
        if (begun === 0) continue;
        if (k > last) throw damaged();
        block[at + (ZIGZAG[k] as number)] = begun;
      }
    if (this.skipped === 0) return;
    this.#refineUntil(block, at, k, 64);
    this.skipped--;
  }

  /** The place behind so many coefficients that stay unknown; those that are known are refined on the way. */
  #refineUntil(block: Int16Array, at: number, from: number, unknown: number): number {
    const { last, low } = this.scan;
    let left = unknown;
    let k = from;
    for (; k <= last; k++) {
      const place = at + (ZIGZAG[k] as number);
      const value = block[place] as number;
      if (value === 0) {
        if (left-- === 0) break;
      } else if (this.bits.take(1) === 1 && (Math.abs(value) & (1 << low)) === 0) block[place] = value + (value > 0 ? 1 << low : -1 << low);
    }
    return k;
  }
}

const damaged = () => new Error('its data are damaged');

/** A code by its first bits, where those are all of it: its length times 256, and its symbol. And longer codes, by their length. */
interface Lookup {
  readonly short: Uint16Array;
  /** The code after the last of each length, at 16 bits, and what is added to a code to have its place among the symbols. */
  readonly ends: Int32Array;
  readonly places: Int32Array;
  readonly symbols: Uint8Array;
}

const SHORT = 9;

function lookupOf({ counts, symbols }: HuffmanCode): Lookup {
  const short = new Uint16Array(1 << SHORT);
  const [ends, places] = [new Int32Array(17), new Int32Array(17)];
  let [code, place] = [0, 0];
  for (let length = 1; length <= 16; length++) {
    const count = counts[length - 1] as number;
    if (code + count > 1 << length) throw new Error('it has a table of codes that are not told apart');
    places[length] = place - code;
    if (length <= SHORT)
      for (let i = 0; i < count; i++) {
        const from = (code + i) << (SHORT - length);
        short.fill((length << 8) | (symbols[place + i] as number), from, from + (1 << (SHORT - length)));
      }
    code += count;
    place += count;
    ends[length] = code << (16 - length);
    code <<= 1;
  }
  return { short, ends, places, symbols };
}

/** Bits of a scan, the highest of each byte first, up to the next marker; zeros beyond it, which none may need. */
class Bits {
  at: number;
  readonly #bytes: Uint8Array;
  #held = 0;
  #count = 0;
  #invented = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Whether bits were taken that the data do not have. */
  get isSpent(): boolean {
    return this.#count < this.#invented;
  }

  /** Goes on behind the next marker, which must say so. */
  restart(): void {
    this.at = markerAfter(this.#bytes, this.at);
    const marker = this.#bytes[this.at++];
    if (marker === undefined || marker < 0xd0 || marker > 0xd7) throw new Error('it is cut short, or its data are damaged');
    this.#held = this.#count = this.#invented = 0;
  }

  take(count: number): number {
    if (count === 0) return 0;
    if (this.#count < count) this.#fill();
    this.#count -= count;
    return (this.#held >>> this.#count) & ((1 << count) - 1);
  }

  /** A number of so many bits that is not 0: those that begin with 0 stand for negative ones. */
  number(size: number): number {
    const bits = this.take(size);
    return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
  }

  symbol(lookup: Lookup | undefined): number {
    if (!lookup) throw new Error('it lacks a table of codes');
    if (this.#count < 16) this.#fill();
    const found = lookup.short[(this.#held >>> (this.#count - SHORT)) & ((1 << SHORT) - 1)] as number;
    if (found > 0) {
      this.#count -= found >> 8;
      return found & 255;
    }
    const ahead = (this.#held >>> (this.#count - 16)) & 0xffff;
    for (let length = SHORT + 1; length <= 16; length++)
      if (ahead < (lookup.ends[length] as number)) {
        this.#count -= length;
        return lookup.symbols[(ahead >> (16 - length)) + (lookup.places[length] as number)] as number;
      }
    throw damaged();
  }

  #fill(): void {
    const bytes = this.#bytes;
    while (this.#count <= 24) {
      let byte = 0;
      if (this.at < bytes.length && bytes[this.at] !== 0xff) byte = bytes[this.at++] as number;
      else if (bytes[this.at + 1] === 0) {
        byte = 0xff;
        this.at += 2;
      } else this.#invented += 8;
      this.#held = (this.#held << 8) | byte;
      this.#count += 8;
    }
  }
}
