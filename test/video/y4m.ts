/** A camera that is made up: a picture as a video that Chromium plays again and again. */
import { PNG } from 'pngjs';

/** Chromium's flags for a camera that shows this file, and is never refused. */
export const cameraFlags = (file: string): readonly string[] => [
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  `--use-file-for-fake-video-capture=${file}`,
];

/** A video of so many frames in YUV 4:2:0, 30 a second. */
export function y4mOf(png: Buffer, frames: number): Buffer {
  const { width, height, data } = PNG.sync.read(png);
  const at = (x: number, y: number, channel: number) => data[4 * (y * width + x) + channel] as number;
  const mixed = (x: number, y: number, [r, g, b]: readonly [number, number, number], base: number) =>
    Math.round(base + r * at(x, y, 0) + g * at(x, y, 1) + b * at(x, y, 2));
  const planes = [
    { step: 1, weights: [0.257, 0.504, 0.098], base: 16 },
    { step: 2, weights: [-0.148, -0.291, 0.439], base: 128 },
    { step: 2, weights: [0.439, -0.368, -0.071], base: 128 },
  ] as const;
  const frame = Buffer.concat(
    planes.map(({ step, weights, base }) => {
      const plane = Buffer.alloc((width / step) * (height / step));
      for (let y = 0; y < height; y += step)
        for (let x = 0; x < width; x += step) plane[(y / step) * (width / step) + x / step] = mixed(x, y, weights, base);
      return plane;
    }),
  );
  const one = Buffer.concat([Buffer.from('FRAME\n'), frame]);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`), ...Array(frames).fill(one)]);
}
