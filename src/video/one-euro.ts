/** The One-Euro filter (Casiez, Roussel and Vogel 2012): still when what it follows is still, and quick when that moves. */

export interface OneEuroOptions {
  /** The cutoff in Hz of what does not move: the lower, the stiller. */
  readonly still: number;
  /** How much a speed of one unit a second adds to the cutoff, in Hz: the higher, the quicker. */
  readonly quick: number;
  /** Units a second that are taken for noise, and add nothing. */
  readonly noise: number;
}

/** The cutoff of the speeds themselves, in Hz. */
const SPEED_CUTOFF = 0.8;

/** What part of a step an exponential filter goes. */
export function portion(cutoff: number, seconds: number): number {
  const r = 2 * Math.PI * cutoff * seconds;
  return r / (r + 1);
}

/** A point of any number of dimensions, filtered as one: how fast it moves is said of all its coordinates together. */
export class OneEuro {
  #value: Float64Array | undefined;
  #speed: Float64Array | undefined;

  constructor(private readonly options: OneEuroOptions) {}

  /**
   * @param values the coordinates; their number never changes
   * @param seconds since the ones before; 0 takes these for the same moment's
   * @returns where they are believed to be, until the next ones are taken
   */
  next(values: ArrayLike<number>, seconds: number): Float64Array {
    const before = this.#value;
    if (!before) {
      this.#value = Float64Array.from(values);
      this.#speed = new Float64Array(values.length);
      return this.#value;
    }
    if (seconds <= 0) return before;
    const speed = this.#speed as Float64Array;
    const quickly = portion(SPEED_CUTOFF, seconds);
    let squares = 0;
    for (let i = 0; i < speed.length; i++) {
      const now = ((values[i] as number) - (before[i] as number)) / seconds;
      speed[i] = (speed[i] as number) + quickly * (now - (speed[i] as number));
      squares += (speed[i] as number) ** 2;
    }
    const { still, quick, noise } = this.options;
    const part = portion(still + quick * Math.max(0, Math.sqrt(squares) - noise), seconds);
    for (let i = 0; i < before.length; i++) before[i] = (before[i] as number) + part * ((values[i] as number) - (before[i] as number));
    return before;
  }
}
