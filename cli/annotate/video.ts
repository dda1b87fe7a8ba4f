/** A video's frames, as FFmpeg decodes them: upright, with the times at which they are shown. */
import { spawn } from 'node:child_process';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import type { RawPicture } from '../../src/image/source.ts';

export interface Frame {
  /** From 0, of all frames of the video. */
  readonly index: number;
  /** Seconds. */
  readonly time: number;
  readonly picture: RawPicture;
}

const bad = (message: string, cause?: unknown) => new FaceXFormerError('BAD_PICTURE', message, { cause });

/**
 * Every so many frames of a video, from `first` of those on. FFmpeg waits while nobody takes them.
 * @throws FaceXFormerError BAD_PICTURE: no file, no video, or no FFmpeg
 */
export async function* framesOf(path: string, { every = 1, first = 0 } = {}): AsyncGenerator<Frame> {
  const filters = `${every > 1 ? `select=not(mod(n\\,${every})),` : ''}showinfo=checksum=0`;
  const output = ['-map', '0:v:0', '-vf', filters, '-fps_mode', 'passthrough', '-c:v', 'pam', '-pix_fmt', 'rgba', '-f', 'image2pipe', '-'];
  const child = spawn('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'info', '-i', `file:${path}`, ...output], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = new Times();
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => said.take(text))
    .once('close', () => said.end()); // the child itself ends when its pictures are taken
  const ended = new Promise<number | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code) => resolve(code ?? 1));
  });
  let taken = 0;
  try {
    for await (const picture of pamPictures(child.stdout)) {
      const time = await said.of(taken);
      if (taken >= first) yield { index: taken * every, time, picture };
      taken++;
    }
    const end = await ended;
    if (end instanceof Error)
      throw bad(`${path} is a video, and videos are decoded by FFmpeg, which is not installed: its program ffmpeg is not found.`, end);
    const older = /option not found/i.test(said.last) ? '. This FFmpeg is older than 5.1' : ''; // which has no -fps_mode
    if (end !== 0 || taken === 0) throw bad(`${path} cannot be decoded as a video: ${said.last || 'FFmpeg gave no frame'}${older}`);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** What FFmpeg's filter showinfo says: the time of each frame. */
class Times {
  /** The last line that was none of showinfo's: what went wrong, if something did. */
  last = '';
  readonly #times: number[] = [];
  /** Of which times are multiples: as seconds FFmpeg writes six digits, too few in a video of hours. */
  #base: readonly [number, number] = [1, 1];
  #rest = '';
  #ended = false;
  #wake = () => {};

  take(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const base = /showinfo.* in time_base: (\d+)\/(\d+)/.exec(line);
      const pts = /showinfo.*\bpts:\s*(\S+)/.exec(line)?.[1];
      if (base) this.#base = [Number(base[1]), Number(base[2])];
      else if (pts !== undefined) this.#times.push(Number(((Number(pts) * this.#base[0]) / this.#base[1]).toFixed(6)) || 0);
      else if (/error|invalid|no such|not contain|denied/i.test(line)) this.last = line.trim();
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async of(frame: number): Promise<number> {
    while (this.#times.length <= frame && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#times[frame] ?? 0;
  }
}

/** Pictures of a stream of PAM files, of four bytes a pixel. */
async function* pamPictures(stream: AsyncIterable<Buffer>): AsyncGenerator<RawPicture> {
  const END = 'ENDHDR\n';
  let header = Buffer.alloc(0);
  let picture: { width: number; height: number; data: Uint8Array } | undefined;
  let filled = 0;
  for await (let piece of stream) {
    while (piece.length > 0) {
      if (!picture) {
        const before = header.length;
        header = Buffer.concat([header, piece.subarray(0, 256)]);
        const end = header.indexOf(END);
        if (end < 0) {
          piece = piece.subarray(256);
          continue;
        }
        const text = header.toString('latin1', 0, end);
        const number = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
        const [width, height] = [number('WIDTH'), number('HEIGHT')];
        picture = { width, height, data: new Uint8Array(4 * width * height) };
        filled = 0;
        piece = piece.subarray(end + END.length - before);
        header = Buffer.alloc(0);
      }
      const part = piece.subarray(0, picture.data.length - filled);
      picture.data.set(part, filled);
      filled += part.length;
      piece = piece.subarray(part.length);
      if (filled === picture.data.length) {
        yield picture;
        picture = undefined;
      }
    }
  }
}
