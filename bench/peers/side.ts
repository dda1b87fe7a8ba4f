/** What one side of a comparison is asked and what it answers. */
import type { GpuCalls } from './count.ts';

export interface Job {
  /** Path of the ONNX file. */
  readonly model: string;
  /** [1, 3, 224, 224] */
  readonly pixels: Float32Array;
  /** How many frames to time; the first is the cold one. */
  readonly frames: number;
  /** Names of the outputs. */
  readonly outputs: readonly string[];
}

export interface Side {
  readonly name: string;
  readonly backend: string;
  /** Seconds until it can run. */
  readonly load: number;
  /** Seconds of each frame. */
  readonly frames: readonly number[];
  /** What the last frame asked of WebGPU, as far as it could be counted. */
  readonly calls?: Partial<GpuCalls>;
  readonly outputs: ReadonlyMap<string, Float32Array>;
}
