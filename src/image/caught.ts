/** What a call holds of its picture from the moment it is made: whatever is painted, closed or shown afterwards is not seen. */
import { whenThere } from '../gpu/waiting.ts';
import { copyOfFrame, frameOf, openPicture, type Picture, type PictureSource, takenNow } from './source.ts';

/** A picture as it was when the call was made. */
export interface Caught {
  /** Whether it holds pixels of its own while it waits. */
  readonly held: boolean;
  /** Lets go of the frame that it holds, for a copy: a camera has few, and stops when none comes back. */
  settle(): void;
  open(): Promise<Picture>;
  /** Frees what was caught, whether it was opened or not. May be called again. */
  close(): void;
}

/** Takes now what may be another picture later. What is wrong with it is told by whoever opens it. */
export function caught(source: PictureSource): Caught {
  let frame = frameOf(source);
  let taken = takenNow(source);
  let closed = false;
  return {
    held: frame !== undefined || taken !== undefined,
    settle() {
      if (!frame) return;
      const whole = frame;
      frame = undefined;
      taken = copyOfFrame(whole);
      taken.catch(() => {});
    },
    open: () => taken ?? openPicture(frame ?? source),
    close() {
      if (closed) return;
      closed = true;
      frame?.close();
      whenThere(taken, (one) => one.close());
    },
  };
}
