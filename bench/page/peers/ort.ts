/** onnxruntime-web with the same weights in an ONNX model: the same network, and so the same outputs. Its frame begins with the finished tensor. */
import { throwIfAborted } from '../../../src/gpu/errors.ts';
import { SIZE } from '../../../src/image/resize.ts';
import { nmse } from '../../../src/tune/nmse.ts';
import { parseReference, SEED } from '../../../tools/reference.ts';
import { runOnnxruntime } from '../../peers/onnxruntime.ts';
import { fetched } from '../fetched.ts';
import type { PeerResult } from '../result.ts';
import type { Settings } from '../settings.ts';
import { summary } from '../statistics.ts';
import { type Offer, type PeerContext, peerCalls } from './peer.ts';

export async function runOrt({ peer, version, folder }: Offer, settings: Settings, context: PeerContext): Promise<PeerResult> {
  const { form, encoder, side, seed, weights } = settings;
  if (form === 'segface' || (side > 0 && side !== SIZE)) throw new Error(`the ONNX model is FaceXFormer's at ${SIZE}`);
  const provider = peer === 'ort-webgpu' ? 'webgpu' : 'wasm';
  const reference = parseReference(
    await fetched(`reference/${form}.safetensors`, async (response) => new Uint8Array(await response.arrayBuffer())),
  );
  const threads = globalThis.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  const calls = peerCalls(settings, context, provider === 'webgpu');
  context.say(`${peer}: loading the model`);
  const run = await runOnnxruntime({
    provider,
    model: weights === '' ? `onnx/${form}-${encoder}-${seed}.onnx` : 'onnx/weights.onnx',
    libraries: new URL(`${folder}dist/`, location.href).href,
    pixels: reference.pixels,
    frames: calls + 1,
    threads,
    read: provider === 'webgpu' ? context.countCalls : undefined,
    onFrame(done) {
      throwIfAborted(context.signal);
      context.say(`${peer}, ${done} of ${calls + 1}`, done / (calls + 1));
    },
  });
  const [first = 0, ...samples] = run.frames.map((seconds) => 1000 * seconds);
  const total = samples.reduce((sum, sample) => sum + sample, 0);
  const compared = weights === '' && encoder === 'swin_b' && seed === SEED ? [...reference.outputs] : []; // the reference's weights
  const distances = compared.map(([task, { values, step }]) => [task, nmse(run.outputs.get(task) ?? [], values, step)]);
  return {
    peer,
    version,
    note: `all tasks, from the finished tensor; ${provider === 'webgpu' ? 'WebGPU' : `WebAssembly, ${threads} thread${threads === 1 ? '' : 's'}`}`,
    load: 1000 * run.load,
    first,
    serial: { samples, latency: summary(samples), inFlight: 1, total, fps: (1000 * calls) / total },
    ...(distances.length > 0 && { nmse: Object.fromEntries(distances) }),
    ...(run.calls?.dispatches !== undefined && { dispatches: run.calls.dispatches }),
  };
}
