/**
 * PNG files in Node, to the pixels of Pillow and browsers: transparent ones in their own colour, 16 bits by their upper eight, an index beyond the palette black. What
 * is damaged or missing of a file matters where a pixel needs it: IEND, checksums of pixels and what follows them do not, a row that is not there does.
 * pngjs, which this took the place of, refuses such files, and holds a large picture several times over.
 */
import { constants, crc32, createInflate } from 'node:zlib';
import type { RawPicture } from '../src/image/source.ts';

/** Pixels of the largest picture that is decoded; 1.6 GB of them. */
const MOST_PIXELS = 400e6;
/** What deflate makes of a byte at most: a picture of few bytes is not as large as it says. */
const MOST_INFLATED = 1032;

const SIGNATURE = '\x89PNG\r\n\x1a\n';

/** Samples of a pixel, and the bits that one may have, by PNG's types of colour. */
const COLOURS: Readonly<Record<number, { readonly samples: number; readonly depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const PALETTE = 3;

/** Where the pixels of a pass begin in the picture, and how far they are apart. */
type Pass = readonly [left: number, top: number, across: number, down: number];
const WHOLE: readonly Pass[] = [[0, 0, 1, 1]];
const ADAM7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly samples: number;
  readonly passes: readonly Pass[];
}

interface Chunks {
  readonly header: Header;
  readonly palette: Buffer | undefined;
  /** The pixels as they are packed, in the pieces in which they came. */
  readonly packed: readonly Buffer[];
  readonly exif: Buffer | undefined;
  /** The chunk whose checksum is another. */
  readonly damaged: string | undefined;
}

const cut = () => new Error('it is cut short');

/** @throws Error: no PNG, cut short, damaged, or larger than any that is read */
export async function decodePng(bytes: Buffer): Promise<{ picture: RawPicture; exif: Buffer | undefined }> {
  const { header, palette, packed, exif, damaged } = chunksOf(bytes);
  const { width, height, colour, depth, samples } = header;
  const pixels = width * height;
  if (pixels > MOST_PIXELS) throw new Error(`its ${width} x ${height} pixels are more than 400 million`);
  if ((pixels * depth * samples) / 8 > MOST_INFLATED * packed.reduce((sum, { length }) => sum + length, 0)) throw cut();
  if (damaged !== undefined) throw new Error(`its ${damaged} is damaged: the checksum is another`);
  if (colour === PALETTE && !palette) throw new Error('it has no palette, by which its colours are numbered');
  const data = new Uint8Array(4 * pixels);
  const paint = painterOf(header, palette, new Uint32Array(data.buffer));
  const rows = rowsOf(header);
  for await (const piece of inflated(packed)) if (rows.take(piece, paint)) break;
  if (!rows.whole) throw cut();
  return { picture: { data, width, height }, exif };
}

function chunksOf(bytes: Buffer): Chunks {
  let header: Header | undefined;
  let palette: Buffer | undefined;
  let exif: Buffer | undefined;
  let damaged: string | undefined;
  const packed: Buffer[] = [];
  if (bytes.toString('latin1', 0, 8) !== SIGNATURE) throw new Error('its first bytes are not those of PNG, as where it was sent as text');
  for (let at = SIGNATURE.length, type = ''; at + 8 <= bytes.length && type !== 'IEND'; ) {
    const length = bytes.readUInt32BE(at);
    type = bytes.toString('latin1', at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'CgBI') throw new Error('it is packed for apps of iPhones (CgBI), which only they read');
    if (type === 'IDAT') packed.push(body);
    else if (body.length < length) break;
    else if (type === 'eXIf') exif = body;
    else if (packed.length === 0 && (type === 'IHDR' || type === 'PLTE')) {
      const end = at + 8 + length;
      if (end + 4 > bytes.length) break;
      if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) damaged ??= type;
      if (type === 'IHDR') header = headerOf(body);
      else if (length > 768) throw new Error(`its palette has ${length} bytes; 768 are the most`);
      else palette = body;
    }
    if (!header) throw new Error('its first part is not IHDR');
    at += 12 + length;
  }
  if (!header) throw cut();
  return { header, palette, packed, exif, damaged };
}

function headerOf(body: Buffer): Header {
  if (body.length !== 13) throw new Error(`its IHDR has ${body.length} bytes; they must be 13`);
  const [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  const [depth, colour, packing, filters, interlace] = body.subarray(8) as unknown as [number, number, number, number, number];
  if (width * height === 0) throw new Error(`it is ${width} x ${height} pixels large`);
  const { samples, depths } = COLOURS[colour] ?? { samples: 0, depths: [] };
  if (!depths.includes(depth)) throw new Error(`there are no PNG files of colour type ${colour} with ${depth} bits`);
  if (packing !== 0 || filters !== 0 || interlace > 1)
    throw new Error(`it is packed in a way (${packing}, ${filters}, ${interlace}) that PNG does not know`);
  return { width, height, depth, colour, samples, passes: interlace === 1 ? ADAM7 : WHOLE };
}

/** What is inflated, in pieces; what follows a stream's last whole byte where it is cut is left out. */
function inflated(packed: readonly Buffer[]): AsyncIterable<Buffer> {
  const stream = createInflate({ chunkSize: 2 ** 20, finishFlush: constants.Z_SYNC_FLUSH });
  stream.end(packed.length === 1 ? packed[0] : Buffer.concat(packed));
  return stream;
}

/** Paints a row's samples, from the second byte of `line` on, into the picture. */
type Paint = (line: Uint8Array, count: number, at: number, apart: number) => void;

/** The rows of a picture, pass by pass, as their bytes come. */
function rowsOf({ width, height, depth, samples, passes }: Header) {
  const bits = depth * samples;
  const bytes = Math.max(1, bits / 8);
  const parts = passes
    .map(([left, top, across, down]) => ({ left, top, across, down, count: Math.ceil((width - left) / across) }))
    .filter(({ top, count }) => count > 0 && top < height);
  let pass = 0;
  let y = 0;
  let filled = 0;
  let [line, above] = [new Uint8Array(0), new Uint8Array(0)];
  const begin = () => {
    const part = parts[pass];
    const length = part ? 1 + Math.ceil((part.count * bits) / 8) : 0;
    [line, above] = [new Uint8Array(length), new Uint8Array(length)];
    y = part?.top ?? 0;
  };
  begin();
  return {
    get whole() {
      return pass === parts.length;
    },
    /** Whether this has more than there are rows. */
    take(piece: Uint8Array, paint: Paint): boolean {
      for (let from = 0; from < piece.length; ) {
        const part = parts[pass];
        if (!part) return true;
        const some = piece.subarray(from, from + line.length - filled);
        line.set(some, filled);
        filled += some.length;
        from += some.length;
        if (filled < line.length) return false;
        filled = 0;
        unfilter(line, above, bytes);
        paint(line, part.count, y * width + part.left, part.across);
        [line, above] = [above, line];
        y += part.down;
        if (y < height) continue;
        pass++;
        begin();
      }
      return false;
    },
  };
}

/** Makes a row's bytes, from the second on, of their differences, in the way that the first says; `above` is the row before it. */
function unfilter(line: Uint8Array, above: Uint8Array, bytes: number): void {
  const { length } = line;
  const first = 1 + bytes;
  switch (line[0]) {
    case 0:
      return;
    case 1:
      for (let i = first; i < length; i++) line[i] = (line[i] as number) + (line[i - bytes] as number);
      return;
    case 2:
      for (let i = 1; i < length; i++) line[i] = (line[i] as number) + (above[i] as number);
      return;
    case 3:
      for (let i = 1; i < length; i++) {
        const left = i < first ? 0 : (line[i - bytes] as number);
        line[i] = (line[i] as number) + ((left + (above[i] as number)) >> 1);
      }
      return;
    case 4:
      for (let i = 1; i < length; i++) {
        const up = above[i] as number;
        const left = i < first ? 0 : (line[i - bytes] as number);
        const corner = i < first ? 0 : (above[i - bytes] as number);
        const [alongLeft, alongUp] = [Math.abs(up - corner), Math.abs(left - corner)];
        const along = Math.abs(left + up - 2 * corner);
        const nearest = alongLeft <= alongUp && alongLeft <= along ? left : alongUp <= along ? up : corner;
        line[i] = (line[i] as number) + nearest;
      }
      return;
    default:
      throw new Error(`a row is filtered in a way (${line[0]}) that PNG does not know`);
  }
}

/** How rows become pixels: numbers of colours by a table, samples of whole bytes by where red, green, blue and alpha stand. */
function painterOf({ depth, colour, samples }: Header, palette: Buffer | undefined, pixels: Uint32Array): Paint {
  if (depth * samples <= 8) {
    const colours = colour === PALETTE ? paletteOf(palette as Buffer) : greysOf(depth);
    const mask = 2 ** depth - 1;
    return (line, count, at, apart) => {
      for (let i = 0, bit = 8; i < count; i++, bit += depth, at += apart)
        pixels[at] = colours[((line[bit >> 3] as number) >> (8 - depth - (bit & 7))) & mask] as number;
    };
  }
  const sample = depth / 8;
  const size = samples * sample;
  const [green, blue] = samples < 3 ? [0, 0] : [sample, 2 * sample];
  const alpha = samples % 2 === 0 ? size - sample : undefined;
  return (line, count, at, apart) => {
    for (let i = 0, from = 1; i < count; i++, from += size, at += apart) {
      const opaque = alpha === undefined ? 255 : (line[from + alpha] as number);
      pixels[at] = (line[from] as number) | ((line[from + green] as number) << 8) | ((line[from + blue] as number) << 16) | (opaque << 24);
    }
  };
}

const BLACK = 0xff000000;

function paletteOf(palette: Buffer): Uint32Array {
  const colours = new Uint32Array(256).fill(BLACK);
  for (let i = 0; 3 * i + 3 <= palette.length; i++) colours[i] = BLACK | palette.readUIntLE(3 * i, 3);
  return colours;
}

const greysOf = (depth: number): Uint32Array =>
  Uint32Array.from({ length: 2 ** depth }, (_, i) => BLACK | (((i * 255) / (2 ** depth - 1)) * 0x010101));
