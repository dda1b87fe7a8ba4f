/** Where a box is going: a Kalman filter of constant velocity for each of its centre's coordinates and for the logarithm of its size. */
import type { Box, Point, Size } from '../image/crop.ts';

/** For so many seconds without a look a value is believed to go on; then where it goes is anybody's guess. */
const FORESEEN = 2;
/** After so many nothing is known any more: what is less sure still would be infinite some day, and then no number. */
const LOST = 60;

/** A value that moves, and how sure its place and its speed are. */
class Moving {
  speed = 0;
  #variance: [number, number, number]; // of the value, of both, of the speed

  /**
   * @param noise how far measurements lie from the truth
   * @param fastest the speed that a new one may have
   */
  constructor(
    public value: number,
    noise: number,
    fastest: number,
  ) {
    this.#variance = [noise * noise, 0, fastest * fastest];
  }

  /** Lets seconds pass, in each of which the speed changes by so much. */
  pass(seconds: number, acceleration: number): void {
    const [p, c, v] = this.#variance;
    const q = acceleration * acceleration;
    this.value += this.speed * Math.min(seconds, FORESEEN);
    this.#variance = [
      p + 2 * seconds * c + seconds ** 2 * v + (q * seconds ** 4) / 4,
      c + seconds * v + (q * seconds ** 3) / 2,
      v + q * seconds ** 2,
    ];
  }

  measure(value: number, noise: number): void {
    const [p, c, v] = this.#variance;
    const sum = p + noise * noise;
    const [gain, speedGain] = [p / sum, c / sum];
    const surprise = value - this.value;
    this.value += gain * surprise;
    this.speed += speedGain * surprise;
    this.#variance = [(1 - gain) * p, (1 - gain) * c, v - speedGain * c];
  }
}

/** In sizes of the box: what a detector is off by, what people change their speed by in a second, and how fast they come in. A face is 16 cm wide. */
const NOISE = 0.04;
const ACCELERATION = 4;
const FASTEST = 10;
/** The same of the logarithm of its size. */
const SIZE_NOISE = 0.06;
const SIZE_ACCELERATION = 0.6;
const SIZE_FASTEST = 0.6;

/** The mean of width and height. */
export const sizeOf = ({ x0, y0, x1, y1 }: Box): number => (x1 - x0 + y1 - y0) / 2;

export class Motion {
  readonly #x: Moving;
  readonly #y: Moving;
  readonly #size: Moving;
  /** Width by height. */
  #aspect: number;

  constructor(box: Box) {
    const size = sizeOf(box);
    this.#x = new Moving((box.x0 + box.x1) / 2, NOISE * size, FASTEST * size);
    this.#y = new Moving((box.y0 + box.y1) / 2, NOISE * size, FASTEST * size);
    this.#size = new Moving(Math.log(size), SIZE_NOISE, SIZE_FASTEST);
    this.#aspect = (box.x1 - box.x0) / (box.y1 - box.y0);
  }

  /** Pixels a second. */
  get velocity(): Point {
    return { x: this.#x.speed, y: this.#y.speed };
  }

  get box(): Box {
    const size = Math.exp(this.#size.value);
    const height = (2 * size) / (1 + this.#aspect);
    const width = height * this.#aspect;
    const [x, y] = [this.#x.value, this.#y.value];
    return { x0: x - width / 2, y0: y - height / 2, x1: x + width / 2, y1: y + height / 2 };
  }

  pass(time: number): void {
    const seconds = Math.min(time, LOST);
    const size = Math.exp(this.#size.value);
    this.#x.pass(seconds, ACCELERATION * size);
    this.#y.pass(seconds, ACCELERATION * size);
    this.#size.pass(seconds, SIZE_ACCELERATION);
    // Nobody comes nearer for ever while unseen.
    this.#size.speed *= Math.exp(-seconds);
  }

  /** @param doubt how many times farther than usual the box may be from the truth */
  measure(box: Box, doubt = 1): void {
    const size = sizeOf(box);
    const noise = NOISE * doubt * size;
    this.#x.measure((box.x0 + box.x1) / 2, noise);
    this.#y.measure((box.y0 + box.y1) / 2, noise);
    this.#size.measure(Math.log(size), SIZE_NOISE * doubt);
    const aspect = (box.x1 - box.x0) / (box.y1 - box.y0);
    this.#aspect += 0.2 * (aspect - this.#aspect);
  }
}

/** How far apart two boxes' centres are, in sizes of the boxes. */
export const apart = (a: Box, b: Box): number => Math.hypot(a.x0 + a.x1 - b.x0 - b.x1, a.y0 + a.y1 - b.y0 - b.y1) / (sizeOf(a) + sizeOf(b));

/** The part of a box that is in the picture. */
export function partInside({ x0, y0, x1, y1 }: Box, { width, height }: Size): number {
  const inside = Math.max(0, Math.min(x1, width) - Math.max(x0, 0)) * Math.max(0, Math.min(y1, height) - Math.max(y0, 0));
  return inside / ((x1 - x0) * (y1 - y0));
}
