/** onnxruntime-web as a side: one session, a few frames of one tensor, every output back on the CPU. */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { GpuCalls } from './count.ts';
import type { Timed } from './side.ts';

interface OnnxJob {
  readonly provider: 'webgpu' | 'wasm';
  /** Address of the ONNX file. */
  readonly model: string;
  /** Address of the folder with the library's WebAssembly files. */
  readonly libraries: string;
  /** [1, 3, 224, 224]. */
  readonly pixels: Float32Array;
  readonly frames: number;
  /** How many threads WebAssembly is given. */
  readonly threads: number;
  /** Counts since it was last called: see `countGpuCalls`. */
  readonly read?: (() => GpuCalls) | undefined;
  /** Told after every frame how many are done; what it throws ends the run. */
  readonly onFrame?: ((done: number) => void) | undefined;
}

export async function runOnnxruntime(job: OnnxJob): Promise<Timed & { outputs: Map<string, Float32Array> }> {
  const { provider, pixels, frames, read } = job;
  const ort = provider === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
  ort.env.wasm.wasmPaths = job.libraries;
  ort.env.wasm.numThreads = job.threads;
  let started = performance.now();
  const lap = (): number => {
    const seconds = (performance.now() - started) / 1000;
    started = performance.now();
    return seconds;
  };
  const session: InferenceSession = await ort.InferenceSession.create(job.model, { executionProviders: [provider] });
  const result: Timed = { load: lap(), frames: [] };
  let outputs: Record<string, Tensor> = {};
  try {
    for (let i = 0; i < frames; i++) {
      read?.();
      started = performance.now();
      outputs = await session.run({ pixels: new ort.Tensor('float32', pixels, [1, 3, 224, 224]) });
      result.frames.push(lap());
      const calls = read?.();
      if (calls) result.calls = calls;
      job.onFrame?.(i + 1);
    }
  } finally {
    await session.release();
  }
  return { ...result, outputs: new Map(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array])) };
}
