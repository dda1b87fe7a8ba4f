/** A JPEG file's segments: what its frame and its tables are, and where the coded data of its scans begin. */
import { type Component, type Frame, markerAfter, ZIGZAG } from './frame.ts';
import { decodeScan, type HuffmanCode, type Scan } from './scan.ts';

const MOST_PIXELS = 400_000_000;
/** As programs for untrusted files bound it: a scan of a few bytes can cost as much as a picture. */
const MOST_SCANS = 500;

/** The tables of codes of the standard's annex K.3, as a file has them: frames of cameras leave them out. */
const USUAL_CODES = new DataView(
  Uint8Array.from(
    Buffer.from(
      'AAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkN' +
        'ERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+g' +
        'EAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoLEQACAQIEBAMEBwUEBAABAncAAQIDEQQFITEGEkFRB2FxEyIygQgUQpGhscEJIzNS8BVictEKFiQ04SXxFxgZGiYnKCkqNTY3ODk6Q' +
        '0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqCg4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2dri4+Tl5ufo6ery8/T19vf4+fo=',
      'base64',
    ),
  ).buffer,
);

/** Kinds of frames that are none of Huffman's codes, or have no cosine transform. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  ...[0xc3, 0xc7, 0xcb, 0xcf].map((marker) => [marker, 'is lossless JPEG'] as const),
  ...[0xc5, 0xc6].map((marker) => [marker, 'is hierarchical JPEG'] as const),
  ...[0xc9, 0xca, 0xcd, 0xce].map((marker) => [marker, 'has arithmetic codes'] as const),
]);

/** @throws Error where the file is cut short, damaged, or of a kind that is not read */
export function readFile(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const codes: (HuffmanCode | undefined)[] = []; // of DC by 0 to 3, of AC by 16 to 19, as a file numbers them
  readCodes(USUAL_CODES, codes);
  const quantisations: (Uint16Array | undefined)[] = [];
  let frame: Omit<Frame, 'colours'> | undefined;
  let [interval, scans] = [0, 0];
  let isJfif = false;
  let adobe: number | undefined;
  let marker: number | undefined;
  for (let at = 2; marker !== 0xd9; ) {
    at = markerAfter(bytes, at);
    marker = bytes[at++];
    if (marker === undefined) break;
    if (marker === 0xd9 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    const end = at + 2 <= bytes.length ? at + view.getUint16(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new Error('it is cut short');
    if (end < at + 2) throw new Error('a segment has no length');
    const segment = new DataView(bytes.buffer, bytes.byteOffset + at + 2, end - at - 2);
    at = end;
    if (marker === 0xda) {
      if (!frame) throw new Error('its data come before its size');
      if (++scans > MOST_SCANS) throw new Error(`it has more than ${MOST_SCANS} scans`);
      at = decodeScan(bytes, at, frame, scanOf(segment, frame, { codes, quantisations, interval }));
    } else if (marker === 0xc0 || marker === 0xc1 || marker === 0xc2) {
      if (frame) throw new Error('it has two sizes');
      frame = frameOf(segment, marker === 0xc2);
    } else if (REFUSED.has(marker)) throw new Error(`it ${REFUSED.get(marker)}; save it as baseline or progressive JPEG`);
    else if (marker === 0xc4) readCodes(segment, codes);
    else if (marker === 0xdb) readQuantisations(segment, quantisations);
    else if (marker === 0xdd) interval = segment.getUint16(0);
    else if (marker === 0xe0 && segment.byteLength >= 14 && named(segment, 'JFIF\0')) isJfif = true;
    else if (marker === 0xee && segment.byteLength >= 12 && named(segment, 'Adobe')) adobe = segment.getUint8(11);
  }
  if (!frame) throw new Error(marker === undefined ? 'it is cut short' : 'it has no picture');
  // A picture that is there in one scan is whole without a mark of its end; of how many scans a progressive one has, nothing else tells.
  if (frame.components.some(({ quantisation }) => !quantisation) || (frame.isProgressive && marker === undefined))
    throw new Error('it is cut short');
  return { ...frame, colours: coloursOf(frame, isJfif, adobe) };
}

const named = (segment: DataView, name: string) => [...name].every((letter, i) => segment.getUint8(i) === letter.charCodeAt(0));

function frameOf(segment: DataView, isProgressive: boolean): Omit<Frame, 'colours'> {
  const [bits, height, width, count] = [segment.getUint8(0), segment.getUint16(1), segment.getUint16(3), segment.getUint8(5)];
  if (bits !== 8) throw new Error(`it has ${bits} bits a sample; 8 are read here`);
  if (width === 0 || height === 0) throw new Error(`it is ${width} x ${height} pixels large`);
  if (width * height > MOST_PIXELS) throw new Error(`its ${width} x ${height} pixels are more than ${MOST_PIXELS / 1e6} million`);
  if (count !== 1 && count !== 3 && count !== 4) throw new Error(`it has ${count} colours; 1, 3 and 4 are read here`);
  const sampling = Array.from({ length: count }, (_, i) => segment.getUint8(7 + 3 * i)).map((byte) => [byte >> 4, byte & 15] as const);
  if (sampling.flat().some((factor) => factor < 1 || factor > 4)) throw new Error('it has sampling factors beyond 1 to 4');
  const [across, down] = [Math.max(...sampling.map(([h]) => h)), Math.max(...sampling.map(([, v]) => v))];
  if (sampling.some(([h, v]) => across % h > 0 || down % v > 0)) throw new Error('its colours have no whole number of pixels a sample');
  const components = sampling.map(([h, v], i): Component => {
    const blocksAcross = h * Math.ceil(width / (8 * across));
    const blocksDown = v * Math.ceil(height / (8 * down));
    const size = 64 * blocksAcross * blocksDown;
    return {
      name: segment.getUint8(6 + 3 * i),
      across: h,
      down: v,
      width: Math.ceil((width * h) / across),
      height: Math.ceil((height * v) / down),
      blocksAcross,
      blocksDown,
      samples: new Uint8Array(size),
      coefficients: new Int16Array(isProgressive ? size : 0),
      table: segment.getUint8(8 + 3 * i),
    };
  });
  return { width, height, isProgressive, components, across, down };
}

/** What a file's colours are, as libjpeg guesses it: JFIF knows but one kind, Adobe says which, and else the components' names tell. */
function coloursOf({ components }: Pick<Frame, 'components'>, isJfif: boolean, adobe: number | undefined): Frame['colours'] {
  if (components.length === 1) return 'grey';
  if (components.length === 4) return adobe === undefined || adobe === 0 ? 'CMYK' : 'YCCK';
  if (isJfif) return 'YCbCr';
  if (adobe !== undefined) return adobe === 0 ? 'RGB' : 'YCbCr';
  return String.fromCharCode(...components.map(({ name }) => name)) === 'RGB' ? 'RGB' : 'YCbCr';
}

interface Tables {
  readonly codes: readonly (HuffmanCode | undefined)[];
  readonly quantisations: readonly (Uint16Array | undefined)[];
  readonly interval: number;
}

function scanOf(segment: DataView, frame: Omit<Frame, 'colours'>, { codes, quantisations, interval }: Tables): Scan {
  const count = segment.getUint8(0);
  const parts = Array.from({ length: count }, (_, i) => {
    const name = segment.getUint8(1 + 2 * i);
    const component = frame.components.find((one) => one.name === name);
    if (!component) throw new Error('a scan is of a colour that the picture does not have');
    const quantisation = quantisations[component.table];
    if (!component.quantisation && !quantisation) throw new Error('it lacks a table of quantisation');
    component.quantisation ??= quantisation as Uint16Array;
    const tables = segment.getUint8(2 + 2 * i);
    return { component, dc: codes[tables >> 4], ac: codes[16 + (tables & 15)] };
  });
  if (count === 0 || new Set(parts.map(({ component }) => component)).size < count) throw new Error('a scan has no colours, or one twice');
  const [first, last, bits] = [1, 2, 3].map((i) => segment.getUint8(2 * count + i)) as [number, number, number];
  if (!frame.isProgressive) return { parts, interval, first: 0, last: 63, high: 0, low: 0 };
  const isWrong = first > last || last > 63 || (bits & 15) > 13 || (first === 0 ? last > 0 : count > 1);
  if (isWrong) throw new Error('a scan has coefficients that there are not');
  return { parts, interval, first, last, high: bits >> 4, low: bits & 15 };
}

function readCodes(segment: DataView, codes: (HuffmanCode | undefined)[]): void {
  for (let at = 0; at < segment.byteLength; ) {
    const place = segment.getUint8(at);
    const counts = Array.from({ length: 16 }, (_, i) => segment.getUint8(at + 1 + i));
    const count = counts.reduce((sum, one) => sum + one, 0);
    codes[place] = { counts, symbols: Uint8Array.from({ length: count }, (_, i) => segment.getUint8(at + 17 + i)) };
    at += 17 + count;
  }
}

function readQuantisations(segment: DataView, quantisations: (Uint16Array | undefined)[]): void {
  for (let at = 0; at < segment.byteLength; ) {
    const place = segment.getUint8(at++);
    const table = new Uint16Array(64);
    const size = place < 16 ? 1 : 2;
    for (const [i, to] of ZIGZAG.entries()) table[to] = size === 1 ? segment.getUint8(at + i) : segment.getUint16(at + 2 * i);
    quantisations[place & 15] = table;
    at += 64 * size;
  }
}
