/** What one side of a comparison is asked and what it answers. */
import type { GpuCalls } from './count.ts';

export interface Job {
  /** Path of the ONNX file. */
  readonly model: string;
  /** Path of the safetensors file with the same weights. */
  readonly weights: string;
  /** The picture, RGBA, and the face's box in it. */
  readonly picture: { readonly width: number; readonly height: number; readonly data: Uint8Array };
  readonly box: { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number };
  /** What the box becomes, for a side that has no preprocessing of its own: [1, 3, 224, 224]. */
  readonly pixels: Float32Array;
  /** How many frames to time; the first is the cold one. */
  readonly frames: number;
  /** How many threads WebAssembly and providers on the CPU are given. */
  readonly threads: number;
  /** Names of the outputs. */
  readonly outputs: readonly string[];
}

export interface Timed {
  /** Seconds from the call to an engine that can run; weights and model come from this machine. */
  load: number;
  /** Seconds of each frame, until all outputs are on the CPU. */
  frames: number[];
  /** What the last frame asked of WebGPU, as far as it could be counted. */
  calls?: Partial<GpuCalls>;
}

export interface Side extends Timed {
  /** Versions, and what it runs on. */
  readonly backend: string;
  readonly outputs: ReadonlyMap<string, Float32Array>;
}
