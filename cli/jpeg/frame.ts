/** What the parts of the reader of JPEG share: a picture's components, and how a file lays them out. */

/** One of a picture's colours, or its luma, which may have fewer samples than the picture has pixels. */
export interface Component {
  readonly name: number;
  /** Samples in a unit of the picture, relative to those of the other components. */
  readonly across: number;
  readonly down: number;
  /** The samples that are of the picture; what is beyond them, up to whole blocks, is not. */
  readonly width: number;
  readonly height: number;
  readonly blocksAcross: number;
  readonly blocksDown: number;
  /** 8 * blocksAcross in a row. */
  readonly samples: Uint8Array;
  /** Of all blocks, row by row, where a file is progressive; empty where not. */
  readonly coefficients: Int16Array;
  readonly table: number;
  /** By what each coefficient, row by row, is multiplied: as its table stood when the component's first scan began. */
  quantisation?: Uint16Array;
}

/** What is drawn: a file's picture, whose samples are there when all of the file is read, or its coefficients where it is progressive. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly isProgressive: boolean;
  readonly components: readonly Component[];
  /** Samples in a unit of the picture, of the component that has most. */
  readonly across: number;
  readonly down: number;
  readonly colours: 'grey' | 'RGB' | 'YCbCr' | 'CMYK' | 'YCCK';
}

/** The order in which coefficients are stored: places in a block, row by row, from low frequencies to high ones. */
export const ZIGZAG: Uint8Array = zigzag();

function zigzag(): Uint8Array {
  const places = Array.from({ length: 64 }, (_, place) => place);
  const diagonal = (place: number) => (place >> 3) + (place & 7);
  const along = (place: number) => (diagonal(place) % 2 === 0 ? place & 7 : place >> 3);
  return Uint8Array.from(places.sort((a, b) => diagonal(a) - diagonal(b) || along(a) - along(b)));
}

/** The place of the next marker's second byte; the end where there is none. What lies before it belongs to nothing. */
export function markerAfter(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) if (bytes[at] === 0xff && bytes[at + 1] !== 0xff && bytes[at + 1] !== 0) return at + 1;
  return bytes.length;
}
