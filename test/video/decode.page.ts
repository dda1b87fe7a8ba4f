/** A video that the browser's own encoder makes, decoded again frame by frame. */

import { decodeFrames } from '../../src/video/decode.ts';
import { followFaces, type VideoEngine } from '../../src/video/index.ts';

const [WIDTH, HEIGHT] = [160, 120];

/** Chunks of so many frames, 25 a second, each lighter than the one before. */
async function encoded(count: number): Promise<{ config: VideoDecoderConfig; chunks: EncodedVideoChunk[] }> {
  const chunks: EncodedVideoChunk[] = [];
  const encoder = new VideoEncoder({
    output: (chunk) => chunks.push(chunk),
    error: (error) => {
      throw error;
    },
  });
  encoder.configure({ codec: 'vp8', width: WIDTH, height: HEIGHT, bitrate: 4_000_000, framerate: 25 });
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const ctx = canvas.getContext('2d');
  for (let i = 0; i < count && ctx; i++) {
    ctx.fillStyle = `hsl(0 0% ${(100 * i) / count}%)`;
    ctx.fillRect(0, 0, WIDTH, HEIGHT);
    const frame = new VideoFrame(canvas, { timestamp: 40_000 * i });
    encoder.encode(frame, { keyFrame: i % 20 === 0 });
    frame.close();
  }
  await encoder.flush();
  encoder.close();
  return { config: { codec: 'vp8', codedWidth: WIDTH, codedHeight: HEIGHT }, chunks };
}

/** The times and the lightness of all frames, and what a session that follows them makes of them. */
export async function decoded(count: number) {
  const { config, chunks } = await encoded(count);
  const times: number[] = [];
  const lights: number[] = [];
  for await (const frame of decodeFrames(config, chunks)) {
    times.push(frame.timestamp / 1000);
    const pixels = new Uint8Array(frame.allocationSize({ format: 'RGBA' }));
    await frame.copyTo(pixels, { format: 'RGBA' });
    lights.push(pixels[4 * ((HEIGHT / 2) * WIDTH + WIDTH / 2)] as number);
    frame.close();
  }
  const seen: number[] = [];
  const onResult = ({ timestamp }: { timestamp: number }) => seen.push(timestamp);
  const engine: VideoEngine = {
    tasks: [],
    async analyze(frame) {
      const { displayWidth: width, displayHeight: height } = frame as VideoFrame;
      const timings = { decode: 0, detect: 0, upload: 0, encode: 0, run: 0, total: 0 };
      return { faces: [], width, height, timings };
    },
  };
  const { reason } = await followFaces(engine, decodeFrames(config, chunks), { onResult }).ended;
  return { times, lights, seen, reason };
}

/** What becomes of chunks that are none. */
export async function broken() {
  const chunk = new EncodedVideoChunk({ type: 'key', timestamp: 0, data: new Uint8Array(64).fill(255) });
  try {
    for await (const frame of decodeFrames({ codec: 'vp8' }, [chunk, chunk])) frame.close();
    return 'decoded';
  } catch (error) {
    return (error as { code?: string }).code;
  }
}
