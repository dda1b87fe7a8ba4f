/** onnxruntime-web in a page: one session, a few frames, the outputs sent back. */
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { countGpuCalls } from './count.ts';
import type { Timed } from './side.ts';

/** `threads` is for WebAssembly. Outputs are posted as float32 to /post/NAME. */
export async function onnxruntime(provider: 'webgpu' | 'wasm', frames: number, threads: number): Promise<Timed> {
  const read = provider === 'webgpu' ? countGpuCalls() : undefined;
  const ort = provider === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.wasm.numThreads = threads;
  const pixels = new Float32Array(await (await fetch('/pixels')).arrayBuffer());
  let started = performance.now();
  const lap = (): number => {
    const seconds = (performance.now() - started) / 1000;
    started = performance.now();
    return seconds;
  };
  const session: InferenceSession = await ort.InferenceSession.create('/model.onnx', { executionProviders: [provider] });
  const result: Timed = { load: lap(), frames: [] };
  let outputs: Record<string, Tensor> = {};
  for (let i = 0; i < frames; i++) {
    read?.();
    started = performance.now();
    outputs = await session.run({ pixels: new ort.Tensor('float32', pixels, [1, 3, 224, 224]) });
    result.frames.push(lap());
    const calls = read?.();
    if (calls) result.calls = calls;
  }
  for (const [name, { data }] of Object.entries(outputs)) await fetch(`/post/${name}`, { method: 'POST', body: data as BodyInit });
  return result;
}

/** Whether WebAssembly can have threads here. */
export const isolated = (): boolean => globalThis.crossOriginIsolated;
