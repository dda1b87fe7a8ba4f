/** The engine as a side: loaded from a file's bytes, a few frames of one face, every raw output read back. */
import { type Box, FaceXFormer, type LoadOptions, type RawPicture } from '../../src/index.ts';
import { countGpuCalls } from './count.ts';
import type { Timed } from './side.ts';

interface EngineJob {
  readonly weights: LoadOptions['weights'];
  readonly picture: RawPicture;
  readonly box: Box;
  readonly frames: number;
  /** Node has no adapter of its own choice. */
  readonly device?: GPUDevice;
}

/** A frame here includes the crop, the resize and the normalisation, which the other side is given. */
export async function runEngine({
  weights,
  picture,
  box,
  frames,
  device,
}: EngineJob): Promise<Timed & { outputs: Map<string, Float32Array> }> {
  const read = countGpuCalls();
  let started = performance.now();
  const engine = await FaceXFormer.load({ weights, ...(device && { device }) });
  const timed: Timed = { load: (performance.now() - started) / 1000, frames: [] };
  let outputs = new Map<string, Float32Array>();
  for (let i = 0; i < frames; i++) {
    read();
    started = performance.now();
    const { faces } = await engine.analyze(picture, { box, raw: true });
    timed.frames.push((performance.now() - started) / 1000);
    timed.calls = read();
    outputs = outputsOf(faces[0]?.raw ?? {});
  }
  engine.dispose();
  return { ...timed, outputs };
}

function outputsOf(raw: Readonly<Record<string, { data: Float32Array | Uint8Array }>>): Map<string, Float32Array> {
  const found = Object.entries(raw).filter(([name]) => name.startsWith('output.'));
  return new Map(found.map(([name, { data }]) => [name.slice('output.'.length), Float32Array.from(data)]));
}
