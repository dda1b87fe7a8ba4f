/** onnxruntime-web in a page; outputs are posted as float32 to /post/NAME. */
import { countGpuCalls } from './count.ts';
import { runOnnxruntime } from './onnxruntime.ts';
import type { Timed } from './side.ts';

/** `threads` is for WebAssembly. */
export async function onnxruntime(provider: 'webgpu' | 'wasm', frames: number, threads: number): Promise<Timed> {
  const read = provider === 'webgpu' ? countGpuCalls() : undefined;
  const pixels = new Float32Array(await (await fetch('/pixels')).arrayBuffer());
  const { outputs, ...timed } = await runOnnxruntime({
    provider,
    model: '/model.onnx',
    libraries: '/ort/',
    pixels,
    frames,
    threads,
    read,
  });
  for (const [name, data] of outputs) await fetch(`/post/${name}`, { method: 'POST', body: data as BodyInit });
  return timed;
}

/** Whether WebAssembly can have threads here. */
export const isolated = (): boolean => globalThis.crossOriginIsolated;
