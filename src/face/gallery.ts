/**
 * Who is it: embeddings of known people by name, and the nearest of them. For `recognition.embedding` of faces, and for any other network's: lists of
 * numbers of any one length and scale, whose directions are compared.
 */
import { badOption } from '../gpu/errors.ts';
import { given, shown, tag } from '../gpu/given.ts';

/**
 * Cosine similarity of two embeddings, -1 to 1; 1 means the same direction.
 * @throws FaceXFormerError BAD_OPTION: the lengths differ, a number is not finite, or an embedding is all zeros and so has no direction
 */
export function similarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lengths = [lengthOf(a), lengthOf(b)] as const;
  if (a.length !== b.length)
    throw badOption(`Embeddings of ${a.length} and ${b.length} numbers cannot be compared: use one model for both.`);
  return cosine(a, lengths[0], b, lengths[1]);
}

function cosine(a: ArrayLike<number>, lengthA: number, b: ArrayLike<number>, lengthB: number): number {
  let dot = 0;
  for (let i = 0; i < a.length; i++) dot += ((a[i] as number) / lengthA) * ((b[i] as number) / lengthB);
  return Math.max(-1, Math.min(1, dot));
}

/** @throws FaceXFormerError BAD_OPTION: it has no direction */
export function lengthOf(embedding: ArrayLike<number>): number {
  const values = given('An embedding that cannot be read.', () => (/Array$/.test(tag(embedding)) ? Array.from(embedding) : undefined));
  if (!values) throw badOption(`An embedding must be a list of numbers; this one is ${shown(embedding)}.`);
  const wrong = values.findIndex((value) => typeof value !== 'number');
  if (wrong >= 0) throw badOption(`An embedding must be numbers; this one holds ${shown(values[wrong])}.`);
  let norm = 0;
  for (const value of values) norm = Math.hypot(norm, value);
  // Numbers of which nearly all digits are lost have no direction either.
  if (!(norm > 1e-300 && norm < Number.POSITIVE_INFINITY))
    throw badOption(`An embedding must be finite numbers that are not all zero, or next to it; the norm of this one is ${norm}.`);
  return norm;
}

/** Who in a gallery is the most similar. */
export interface Match {
  name: string;
  /** Cosine similarity to the nearest embedding of that name. */
  similarity: number;
}

/** A gallery as JSON holds it. */
export interface GalleryJson {
  format: 'facexformer-gallery';
  version: 1;
  /** One per embedding; a name with several embeddings has several. */
  entries: { name: string; embedding: number[] }[];
}

interface Entry {
  name: string;
  embedding: Float32Array;
  length: number;
}

/** First bytes of a binary gallery. */
const MAGIC = 'FXGALLR1';

/** Known faces, by embeddings of one network. A name may have several embeddings (several pictures of one person). */
export class Gallery {
  #entries: Entry[] = [];

  /** How many embeddings it holds. */
  get size(): number {
    return this.#entries.length;
  }

  /** The names, each once, in the order of their first embedding. */
  get names(): string[] {
    return [...new Set(this.#entries.map(({ name }) => name))];
  }

  /** Adds a copy of an embedding. @throws FaceXFormerError BAD_OPTION: the name is empty or has half a character, or the embedding unlike those already held */
  add(name: string, embedding: ArrayLike<number>): this {
    // UTF-8 has no half of a character: names that differ in such alone would be one.
    if (typeof name !== 'string' || name === '' || /\p{Surrogate}/u.test(name))
      throw badOption('A face in a gallery needs a name that is not empty, of whole characters.');
    lengthOf(embedding); // before it is copied: weights of the released form give none
    this.#mustFit(embedding);
    const copy = Float32Array.from(embedding);
    this.#entries.push({ name, embedding: copy, length: lengthOf(copy) });
    return this;
  }

  /** Removes every embedding of a name; says how many there were. */
  remove(name: string): number {
    const kept = this.#entries.filter((entry) => entry.name !== name);
    const removed = this.#entries.length - kept.length;
    this.#entries = kept;
    return removed;
  }

  /**
   * The nearest name, or undefined when none has a similarity of at least `threshold` (-1 to 1). What threshold is right
   * depends on the weights and on the errors one can bear: choose it on pictures of one's own.
   */
  match(embedding: ArrayLike<number>, threshold: number): Match | undefined {
    if (!(typeof threshold === 'number' && threshold >= -1 && threshold <= 1))
      throw badOption(`A threshold of ${shown(threshold)}; it must be a similarity, -1 to 1.`);
    const norm = lengthOf(embedding);
    this.#mustFit(embedding);
    let best: Match | undefined;
    for (const entry of this.#entries) {
      const near = cosine(embedding, norm, entry.embedding, entry.length);
      if (near >= threshold && (!best || near > best.similarity)) best = { name: entry.name, similarity: near };
    }
    return best;
  }

  /** What `JSON.stringify` writes of it; `Gallery.fromJSON` reads it. */
  toJSON(): GalleryJson {
    const entries = this.#entries.map(({ name, embedding }) => ({ name, embedding: Array.from(embedding) }));
    return { format: 'facexformer-gallery', version: 1, entries };
  }

  /** The gallery of a parsed JSON value, or of its text; of null, which a storage that has none gives, an empty one. @throws FaceXFormerError BAD_OPTION: it is none */
  static fromJSON(json: unknown): Gallery {
    return given('This JSON is not a gallery of version 1, as Gallery.toJSON writes it.', () => {
      const value = (typeof json === 'string' ? JSON.parse(json) : json) as Partial<GalleryJson> | null;
      if (value === null) return new Gallery();
      if (value.format !== 'facexformer-gallery' || value.version !== 1 || !Array.isArray(value.entries)) throw new TypeError();
      const gallery = new Gallery();
      for (const { name, embedding } of value.entries) gallery.add(name, embedding);
      return gallery;
    });
  }

  /**
   * Binary form, little-endian: the 8 bytes `FXGALLR1`, uint32 embeddings, uint32 numbers per embedding; then per
   * embedding uint32 bytes of the name, the name in UTF-8, the numbers as float32.
   */
  toBytes(): Uint8Array<ArrayBuffer> {
    const numbers = this.#entries[0]?.embedding.length ?? 0;
    const names = this.#entries.map(({ name }) => new TextEncoder().encode(name));
    const bytes = new Uint8Array(16 + names.reduce((sum, name) => sum + 4 + name.length + 4 * numbers, 0));
    const view = new DataView(bytes.buffer);
    bytes.set(new TextEncoder().encode(MAGIC));
    view.setUint32(8, this.#entries.length, true);
    view.setUint32(12, numbers, true);
    let at = 16;
    this.#entries.forEach(({ embedding }, i) => {
      const name = names[i] as Uint8Array;
      view.setUint32(at, name.length, true);
      bytes.set(name, at + 4);
      at += 4 + name.length;
      for (const value of embedding) {
        view.setFloat32(at, value, true);
        at += 4;
      }
    });
    return bytes;
  }

  /** Reads what `toBytes` wrote. @throws FaceXFormerError BAD_OPTION: the bytes are not a gallery, whole and with nothing after it */
  static fromBytes(source: Uint8Array | ArrayBuffer): Gallery {
    return given('These bytes are not a gallery, as Gallery.toBytes writes it.', () => {
      const bytes = tag(source) === 'ArrayBuffer' ? new Uint8Array(source) : (source as Uint8Array);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (bytes.length < 16 || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) throw new TypeError();
      const [count, numbers] = [view.getUint32(8, true), view.getUint32(12, true)];
      const gallery = new Gallery();
      let at = 16;
      const take = (length: number) => {
        if (at + length > bytes.length) throw badOption(`The gallery is cut short: ${bytes.length} bytes of at least ${at + length}.`);
        at += length;
        return at - length;
      };
      for (let i = 0; i < count; i++) {
        const length = view.getUint32(take(4), true);
        const start = take(length);
        const first = take(4 * numbers);
        const embedding = Float32Array.from({ length: numbers }, (_, k) => view.getFloat32(first + 4 * k, true));
        gallery.add(new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes.subarray(start, start + length)), embedding);
      }
      if (at !== bytes.length) throw badOption(`The gallery ends at byte ${at}, the file has ${bytes.length}.`);
      return gallery;
    });
  }

  /** One gallery holds embeddings of one model, which have one length. */
  #mustFit(embedding: ArrayLike<number>): void {
    const held = this.#entries[0]?.embedding.length;
    if (held !== undefined && held !== embedding.length)
      throw badOption(`This gallery holds embeddings of ${held} numbers, not of ${embedding.length}: use one model for all.`);
  }
}
