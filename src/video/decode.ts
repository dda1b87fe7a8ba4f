/** Frames of a file that a demuxer takes apart: WebCodecs decodes them, a few ahead of whoever reads. */
import { badPicture } from '../gpu/errors.ts';
import { given, said } from '../gpu/given.ts';
import { Bell } from '../gpu/waiting.ts';

/** Chunks that a decoder has before it: enough to keep it busy. The frames that it gives are few, and it waits where none is closed. */
const AHEAD = 8;

/**
 * Every frame of a video, exactly once, for `followFaces`, in a worker too. Each is the reader's, who closes it, as that does; `analyzeMany` has taken it when it
 * asks for the next, and leaves the closing to who gave it. What was decoded and not read is closed when the reading ends.
 * @param config what a demuxer says of the track: the codec, its size, its description
 * @param chunks in the order of decoding, from a key frame on
 * @throws FaceXFormerError BAD_PICTURE, when it is read: this browser has no such decoder, or the chunks are broken
 */
export async function* decodeFrames(
  config: VideoDecoderConfig,
  chunks: AsyncIterable<EncodedVideoChunk> | Iterable<EncodedVideoChunk>,
): AsyncGenerator<VideoFrame, void, undefined> {
  const codec = given('`config` is what a demuxer says of the track.', () => String(config.codec));
  const known = await globalThis.VideoDecoder?.isConfigSupported(config).catch(() => undefined);
  if (!known?.supported) throw badPicture(`This browser decodes no ${codec}. Give it the file itself, or frames of another decoder.`);
  const decoded: VideoFrame[] = [];
  let fault: unknown;
  let asked = false;
  let came = false;
  let whole = false;
  const changed = new Bell();
  const decoder = new VideoDecoder({
    output: (frame) => {
      came = true;
      decoded.push(frame);
      changed.ring();
    },
    error: (error) => {
      fault = error;
      changed.ring();
    },
  });
  decoder.addEventListener('dequeue', () => changed.ring());
  async function* until(enough: () => boolean): AsyncGenerator<VideoFrame, void, undefined> {
    for (;;) {
      for (let frame = decoded.shift(); frame; frame = decoded.shift()) yield frame;
      if (fault) throw fault;
      if (enough()) return;
      await changed.heard();
    }
  }
  try {
    decoder.configure(config);
    for await (const chunk of chunks) {
      asked = true;
      yield* until(() => decoder.decodeQueueSize < AHEAD);
      decoder.decode(chunk);
    }
    // It is not waited for alone: a decoder whose frames nobody takes has no room for the last ones.
    decoder.flush().then(
      () => {
        whole = true;
        changed.ring();
      },
      (error) => {
        fault ??= error;
        changed.ring();
      },
    );
    yield* until(() => whole);
    // Firefox says nothing of chunks that it can make nothing of.
    if (asked && !came) throw new Error('no frame comes of its chunks');
  } catch (cause) {
    throw badPicture(`The video cannot be decoded: ${said(cause)}`, { cause });
  } finally {
    if (decoder.state !== 'closed') decoder.close();
    for (const frame of decoded) frame.close();
  }
}
