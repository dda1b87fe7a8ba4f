/** What a call holds of its picture from the moment it is made: whatever is painted, closed or shown afterwards is not seen. */
import { tag } from '../gpu/given.ts';
import { whenThere } from '../gpu/waiting.ts';
import { copyOfFrame, frameOf, openPicture, type Picture, type PictureSource } from './source.ts';

/** A picture as it was when the call was made. */
export interface Caught {
  /** Whether it holds pixels of its own while it waits. */
  readonly held: boolean;
  /** Lets go of the frame that it holds, for a copy: a camera has few, and stops when none comes back. */
  settle(): void;
  /** Opens it, once, however often it is asked for. */
  open(): Promise<Picture>;
  /** Frees what was caught, and what was opened. May be called again. */
  close(): void;
}

/** What may be another picture in the next task, besides videos, whose frames are taken. */
const FLEETING = /^(HTMLCanvasElement|OffscreenCanvas|HTMLImageElement)$/;

/** Takes now what may be another picture later. What is wrong with it is told by whoever opens it. */
export function caught(source: PictureSource): Caught {
  let frame = frameOf(source);
  let opened = FLEETING.test(tag(source)) ? openPicture(source) : undefined;
  opened?.catch(() => {});
  let closed = false;
  return {
    held: frame !== undefined || opened !== undefined,
    settle() {
      if (tag(frame) !== 'VideoFrame') return;
      const whole = frame as VideoFrame;
      frame = undefined;
      opened = copyOfFrame(whole);
      opened.catch(() => {});
    },
    open() {
      opened ??= openPicture(frame ?? source);
      return opened;
    },
    close() {
      if (closed) return;
      closed = true;
      frame?.close();
      whenThere(opened, (one) => one.close());
    },
  };
}
