/** How far work on many things is, how fast it goes and how long it will take: one line on a terminal, a line now and then in a log. */
import { say, showLine } from '../../tools/terminal/progress.ts';

/** Milliseconds between two lines of a log. */
const SELDOM = 30_000;

export class Pace {
  readonly #begun = performance.now();
  readonly #had: number;
  #told = performance.now();
  failed = 0;

  /** @param what the things are, for example pictures; `done` of them were before this run */
  constructor(
    private readonly what: string,
    private readonly total: number,
    private done = 0,
  ) {
    this.#had = done;
  }

  step(count: number, failed = 0): void {
    this.done += count;
    this.failed += failed;
    const line = paceLine(
      { what: this.what, done: this.done, total: this.total, failed: this.failed, here: this.done - this.#had },
      performance.now() - this.#begun,
    );
    if (process.stderr.isTTY) showLine(line);
    else if (performance.now() - this.#told > SELDOM) {
      say(line);
      this.#told = performance.now();
    }
  }

  /** What was done in all. */
  summary(): string {
    return `${this.done} of ${this.total} ${this.what}${this.failed > 0 ? `, ${this.failed} of this run's failed: their lines say why` : ''}`;
  }
}

/** @param here how many of those that are done this run did, in `ms` milliseconds: only they tell how long the others take */
export function paceLine(
  { what, done, total, failed, here }: { what: string; done: number; total: number; failed: number; here: number },
  ms: number,
): string {
  const rate = (1000 * here) / Math.max(ms, 1);
  const left = here > 0 && done < total ? `, ${duration((total - done) / rate)} left` : '';
  const speed = here === 0 ? '' : rate < 1 ? `, ${duration(1 / rate)} each` : `, ${rate.toFixed(rate < 10 ? 1 : 0)} a second`;
  return `${done} of ${total} ${what}${speed}${left}${failed > 0 ? `, ${failed} failed` : ''}`;
}

/** 42 s, 7 min, 3 h 20 min. */
export function duration(seconds: number): string {
  if (seconds < 59.5) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
