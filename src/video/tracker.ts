/** Ids that last: which of the faces of a frame are those of the frames before. Pure arithmetic, without a GPU or a clock. */
import { lengthOf, similarity } from '../face/gallery.ts';
import { badOption } from '../gpu/errors.ts';
import { given, optionsOf, shown } from '../gpu/given.ts';
import { type Box, badBox, boxOf, type Point, type Size } from '../image/crop.ts';
import { assign } from './assign.ts';
import { apart, Motion, partInside, sizeOf } from './motion.ts';

/** What `Tracker` is made with. */
export interface TrackerOptions {
  /**
   * Milliseconds for which a face that is not seen keeps its id and is looked for where it was going; 2000 unless given. Frames that lie farther apart end
   * nobody by themselves: whoever was there in the last one is looked for in the next.
   */
  memory?: number | undefined;
  /**
   * Milliseconds for which a face that is gone is known again by its embedding; ten minutes unless given. Only where weights have the task recognition.
   */
  recall?: number | undefined;
  /** How similar, -1 to 1, two embeddings are that are of one person; 0.5 unless given. */
  alike?: number | undefined;
}

/** A face that is followed. */
export interface Track {
  /** Counts from 1; no other face of the session has it. */
  readonly id: number;
  /** Where it is, or is believed to be, in picture pixels. */
  readonly box: Box;
  /** Of its centre, pixels a second. */
  readonly velocity: Point;
  /** When it was seen first and last, in milliseconds of the frames' time. */
  readonly first: number;
  readonly seen: number;
  /** The mean of its embeddings' directions, if it has any; of length 1. */
  readonly embedding?: Float32Array | undefined;
}

interface Follow {
  id: number;
  motion: Motion;
  first: number;
  seen: number;
  /** The sum of its embeddings' directions, the last ones most, and that at length 1. */
  embeddings?: Float32Array;
  embedding?: Float32Array;
}

/** Costs are in sizes of a face: how far it may be from where it is expected at once, how much farther for each second since, and the most. */
const REACH = 0.7;
const REACH_A_SECOND = 2;
const FARTHEST = 2.5;
/** What it costs to have been unseen for a second in the frames before: of two that fit, the one that was there goes first. */
const UNSEEN_COST = 0.15;
/** A face that changes its size by half between two looks is another one. */
const SIZE_COST = 1;
/** No pair is made that costs more. */
const ALONE = 4;
/** A face that is not seen has left where less of it would be in the picture. */
const LEFT = 0.5;
/** In sizes: of two faces that are nearer, one may be hidden. */
const CLOSE = 0.8;
/** A box of such a face is off by so many times its usual noise, at most. */
const MOST_DOUBT = 8;
/** Embeddings of one track are averaged over so many. */
const EMBEDDINGS = 10;
/** Faces that are remembered by their embeddings, the last ones. */
const MOST_RECALLED = 100;

/** Gives the boxes of any detector ids that last from frame to frame. */
export class Tracker {
  readonly #limits: Readonly<Record<'memory' | 'recall' | 'alike', number>>;
  #follows: Follow[] = [];
  /** Those that ended and have embeddings, the last one last. */
  #gone: Follow[] = [];
  #time = Number.NEGATIVE_INFINITY;
  /** The time of the frame before. */
  #before = Number.NEGATIVE_INFINITY;
  #ids = 0;

  /** @throws FaceXFormerError BAD_OPTION */
  constructor(options: TrackerOptions = {}) {
    const own = optionsOf<TrackerOptions>('Tracker', { memory: 'any', recall: 'any', alike: 'any' }, options);
    const { memory = 2000, recall = 600_000, alike = 0.5 } = own;
    this.#limits = { memory, recall, alike };
    for (const [name, value] of Object.entries(this.#limits)) {
      const [least, most, which] = name === 'alike' ? [-1, 1, 'similarity, -1 to 1'] : [0, Number.MAX_VALUE, 'number, 0 or more'];
      if (!(typeof value === 'number' && value >= least && value <= most))
        throw badOption(`\`${name}\` is ${shown(value)}; it must be a ${which}.`);
    }
  }

  /** All that are followed, those that are not seen among them. */
  get tracks(): Track[] {
    return this.#follows.map(trackOf);
  }

  /**
   * Takes all faces of a frame.
   * @param boxes as a detector gives them, not widened
   * @param time of the frame in milliseconds; one that lies before the last frame's, as after a seek, is taken for that
   * @returns their tracks, in their order
   * @throws FaceXFormerError BAD_BOX, BAD_OPTION
   */
  update(given: readonly Box[], time: number, picture: Size): Track[] {
    const boxes = listed(given);
    this.#pass(time, picture);
    const places = this.#follows.map(({ motion }) => motion.box);
    const costs = this.#follows.map(({ seen }, i) => boxes.map((box) => costOf(places[i] as Box, box, seen, this.#before, this.#time)));
    const pairs = assign(costs, ALONE);
    const doubts = places.map((place) => doubtOf(place, places));
    const found: (Follow | undefined)[] = boxes.map(() => undefined);
    this.#follows.forEach((follow, i) => {
      const at = pairs[i];
      if (at === undefined) return;
      follow.motion.measure(boxes[at] as Box, doubts[i]);
      follow.seen = this.#time;
      found[at] = follow;
    });
    this.#end((follow) => !found.includes(follow) && this.#over(follow, this.#time, picture));
    return boxes.map((box, i) => trackOf(found[i] ?? this.#begin(box)));
  }

  /** Says where a track is without a look at the others: by its landmarks, say. */
  move(id: number, box: Box, time: number, picture: Size): Track | undefined {
    const [place] = listed([box]);
    this.#pass(time, picture);
    const follow = this.#follows.find((one) => one.id === id);
    if (!follow || !place) return undefined;
    follow.motion.measure(place);
    follow.seen = this.#time;
    return trackOf(follow);
  }

  /** Lets time pass without a look: every track is where its motion takes it. */
  predict(time: number, picture: Size): Track[] {
    this.#pass(time, picture);
    return this.tracks;
  }

  /**
   * Takes an embedding of a track. A track that has just begun, and whose embedding is that of one that is not seen any more, is that one from here on.
   * @returns the track's id, which is the older one's where it was known again
   * @throws FaceXFormerError BAD_OPTION: it has no direction, with which others could be compared
   */
  recognise(id: number, embedding: Float32Array): number {
    const length = lengthOf(embedding);
    const follow = this.#follows.find((one) => one.id === id);
    if (!follow) return id;
    const known = follow.embeddings ? undefined : this.#like(embedding, follow);
    if (known) {
      this.#gone = this.#gone.filter((one) => one !== known);
      this.#follows = this.#follows.filter((one) => one !== known);
      follow.id = known.id;
      follow.first = known.first;
    }
    const before = follow.embeddings ?? known?.embeddings;
    const keep = 1 - 1 / EMBEDDINGS;
    const sum = Float32Array.from(embedding, (value, i) => value / length + keep * (before?.[i] ?? 0));
    const whole = lengthOf(sum);
    follow.embeddings = sum;
    follow.embedding = sum.map((value) => value / whole);
    return follow.id;
  }

  /** Ends a track: its face was looked for and is not there. */
  end(id: number): void {
    this.#end((follow) => follow.id === id);
  }

  /** Forgets where faces are, as after a cut; with `everything`, who they are too. Ids go on: none is given twice. */
  reset({ everything = true }: { everything?: boolean } = {}): void {
    this.#end(() => true);
    if (everything) this.#gone = [];
    this.#time = Number.NEGATIVE_INFINITY;
    this.#before = Number.NEGATIVE_INFINITY;
  }

  #pass(time: number, picture: Size): void {
    const numbers = given('A picture has a `width` and a `height`.', () => [time, picture.width, picture.height]);
    if (!numbers.every(Number.isFinite))
      throw badOption(`A frame's time, width and height are ${numbers.map(shown)}; they must be numbers.`);
    const seconds = Number.isFinite(this.#time) ? Math.max(0, time - this.#time) / 1000 : 0;
    if (seconds > 0) this.#before = this.#time;
    this.#time = Math.max(this.#time, time);
    if (seconds === 0) return; // all are where they are by then, which says nothing of who left before
    // As it was before: this step may be a long one, in which nobody looked.
    this.#end((follow) => this.#over(follow, this.#before, picture));
    for (const { motion } of this.#follows) motion.pass(seconds);
    this.#gone = this.#gone.filter(({ seen }) => this.#time - seen <= this.#limits.recall);
  }

  /** Whether a face was unseen for too long at a time, or has left; one that the edge cuts is there for as long as it is seen. */
  #over({ motion, seen }: Follow, time: number, picture: Size): boolean {
    return time - seen > this.#limits.memory || (time > seen && partInside(motion.box, picture) < LEFT);
  }

  #begin(box: Box): Follow {
    const made: Follow = { id: ++this.#ids, motion: new Motion(box), first: this.#time, seen: this.#time };
    this.#follows.push(made);
    return made;
  }

  #end(ends: (follow: Follow) => boolean): void {
    const ended = this.#follows.filter(ends);
    this.#follows = this.#follows.filter((follow) => !ended.includes(follow));
    this.#gone.push(...ended.filter(({ embeddings }) => embeddings));
    this.#gone.splice(0, this.#gone.length - MOST_RECALLED);
  }

  /** The one that is not seen now and is most like. */
  #like(embedding: Float32Array, follow: Follow): Follow | undefined {
    let best: Follow | undefined;
    let most = this.#limits.alike;
    for (const one of [...this.#gone, ...this.#follows.filter(({ seen }) => seen < follow.seen)]) {
      if (one.embedding?.length !== embedding.length) continue;
      const alike = similarity(one.embedding, embedding);
      if (alike >= most) [best, most] = [one, alike];
    }
    return best;
  }
}

/** @throws FaceXFormerError BAD_BOX: one is none, or has no size; BAD_OPTION */
const listed = (boxes: readonly Box[]): Box[] =>
  given('Boxes are a list of { x0, y0, x1, y1 }.', () =>
    boxes.map((one) => {
      const box = boxOf(one);
      if ([box.x1 - box.x0, box.y1 - box.y0].every((side) => side > 1e-6 && side < 1e9)) return box;
      throw badBox(box, 'has no size that a face has in a picture.');
    }),
  );

function trackOf(follow: Follow): Track {
  const { id, motion, first, seen, embedding } = follow;
  return { id, box: motion.box, velocity: motion.velocity, first, seen, embedding: embedding?.slice() };
}

/**
 * How little a box says of where a track goes: where another face is as near as to hide it, it may be the other's, and the way that both came says more.
 */
function doubtOf(place: Box, places: readonly Box[]): number {
  const nearest = Math.min(...places.flatMap((other) => (other === place ? [] : apart(other, place))));
  return nearest < CLOSE ? 1 + MOST_DOUBT * (1 - nearest / CLOSE) : 1;
}

/** How little a face fits to a track, in sizes of the face; Infinity where it is out of reach. */
function costOf(expected: Box, box: Box, seen: number, before: number, time: number): number {
  const passed = (time - seen) / 1000;
  const unseen = Math.max(0, before - seen) / 1000;
  const far = apart(expected, box);
  const grown = Math.abs(Math.log(sizeOf(box) / sizeOf(expected)));
  if (far > Math.min(FARTHEST, REACH + REACH_A_SECOND * passed)) return Number.POSITIVE_INFINITY;
  return far + SIZE_COST * grown + UNSEEN_COST * unseen;
}
