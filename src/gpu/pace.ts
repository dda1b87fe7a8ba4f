/**
 * How fast a GPU works, by its last frames: systems reset a GPU that is busy with one submit for two seconds. A slow one gets its frames in pieces,
 * between which others may use it.
 */

/** Milliseconds that a submit may take. A GPU of 0.3 TFLOP/s, which gives our kernels a third of that, needs 400 for a face. */
const SUBMIT = 300;

export class Pace {
  /** Milliseconds a million multiply-adds; unknown before the first frame. */
  #each: number | undefined;
  #ended = 0;

  /** @param never whether frames stay whole: no system resets a CPU */
  constructor(private readonly never = false) {}

  /** In how many submits to give so much work. @param unknown pieces before the first frame */
  pieces(macs: number, unknown: number): number {
    if (this.never) return 1;
    return this.#each === undefined ? unknown : Math.max(1, Math.ceil((this.#each * macs) / 1e6 / SUBMIT));
  }

  /** A frame begins; call what comes back when it has ended. */
  begun(macs: number): () => void {
    const start = performance.now();
    return () => {
      const now = performance.now();
      this.#each = (now - Math.max(start, this.#ended)) / Math.max(1, macs / 1e6); // it waited for the frames before it
      this.#ended = now;
    };
  }
}
