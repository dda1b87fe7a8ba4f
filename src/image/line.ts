/** How calls wait for a network: how many may, which gives way to a newer one, and that a camera is not left without frames by those that wait. */
import { FaceXFormerError } from '../gpu/errors.ts';
import { tag } from '../gpu/given.ts';
import type { Caught } from './caught.ts';
import type { PictureSource } from './source.ts';

/**
 * What a call does while others are unanswered: `wait` for its turn; be the `latest`, which takes the place of one before it that has not begun, and begins
 * when those before are answered; or `refuse` at once.
 */
export type QueueMode = 'wait' | 'latest' | 'refuse';

/** Calls that may wait. More of them come from a loop that does not await, and would only be answered ever later. */
export const MOST_WAITING = 1000;
/** Of these, so many may hold pixels that had to be taken when they were called: a copy of a full HD frame takes 8 MB. */
export const MOST_HELD = 32;

/** What a source's calls do unless they say: a video goes on while its frames wait, and an old one is of no use. */
export const queueOf = (source: PictureSource): QueueMode => (/Video/.test(tag(source)) ? 'latest' : 'wait');

/** A call's place. Another call may take it until it begins. */
export interface Seat<Call> {
  /** Whether those before it must be answered first. */
  readonly patient: boolean;
  /** The call that sits there now; from here on no other takes its place. */
  begin(): Call;
}

interface Sitting<Call, Answer> {
  readonly call: Call;
  resolve(answer: Answer | PromiseLike<Answer>): void;
  reject(error: unknown): void;
}

export class Line<Call extends { readonly picture: Caught }, Answer> {
  /** Calls that are not answered, */
  #open = 0;
  /** those of them that have begun no more than wait, */
  #waiting = 0;
  /** and of these the ones that hold pixels. */
  #held = 0;
  /** Puts another call into the place of a `latest` that has not begun. */
  #newest: ((sitting: Sitting<Call, Answer>) => void) | undefined;

  /** @param serve answers the call of a seat; it is told of the seat at once, and calls `begin` at the seat's turn */
  constructor(private readonly serve: (seat: Seat<Call>) => Promise<Answer>) {}

  /** @throws FaceXFormerError BUSY, and whatever serving throws */
  join(call: Call, how: QueueMode): Promise<Answer> {
    const fault = this.#fault(call, how);
    if (fault) {
      call.picture.close();
      return Promise.reject(fault);
    }
    return new Promise((resolve, reject) => {
      const sitting = { call, resolve, reject };
      if (how === 'latest' && this.#newest) this.#newest(sitting);
      else this.#sit(sitting, how);
    });
  }

  #fault({ picture }: Call, how: QueueMode): FaceXFormerError | undefined {
    if (how === 'refuse' && this.#open > 0) return tooMany(this.#open, 'are not answered yet, and this one was not to wait');
    if (how !== 'wait') return undefined;
    if (this.#waiting >= MOST_WAITING) return tooMany(this.#waiting, 'wait');
    if (picture.held && this.#held >= MOST_HELD) return tooMany(this.#held, 'wait, each with a copy of its picture');
    return undefined;
  }

  #sit(first: Sitting<Call, Answer>, how: QueueMode): void {
    let sitting = first;
    const waits = this.#open > 0;
    const { held } = first.call.picture;
    const patient = how === 'latest' && waits;
    const swap = (newer: Sitting<Call, Answer>) => {
      sitting.call.picture.close();
      sitting.reject(
        busy('A newer picture took the place of this one before it was begun. Await an answer before the next call, or let it `wait`.'),
      );
      sitting = newer;
    };
    if (patient) this.#newest = swap;
    else if (waits) first.call.picture.settle();
    this.#open++;
    this.#waiting++;
    if (held) this.#held++;
    let begun = false;
    const begin = () => {
      if (!begun) {
        begun = true;
        this.#waiting--;
        if (held) this.#held--;
        if (this.#newest === swap) this.#newest = undefined;
      }
      return sitting.call;
    };
    const answered = this.serve({ patient, begin }).finally(() => {
      begin(); // where its turn never came
      sitting.call.picture.close();
      this.#open--;
    });
    answered.then(
      (answer) => sitting.resolve(answer),
      (error) => sitting.reject(error),
    );
  }
}

const busy = (message: string): FaceXFormerError => new FaceXFormerError('BUSY', message);

const tooMany = (calls: number, why: string): FaceXFormerError =>
  busy(
    `${calls} calls ${why}. Await an answer before the next call, or give pictures to analyzeMany, which asks for them as it needs them.`,
  );
