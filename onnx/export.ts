/** `exportOnnx`: FaceXFormer with the weights of a checkpoint as an ONNX file that any runtime of opset 17 runs. */

import type { Checkpoint, ReadOptions } from '../src/checkpoint/checkpoint.ts';
import { inFloat32, toFloat32 } from '../src/checkpoint/values.ts';
import { readConfig } from '../src/face/config.ts';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import { save } from '../tools/save.ts';
import { onnxFile } from './file.ts';
import { count, type Graph } from './graph.ts';
import { ENCODERS, facexformer } from './model.ts';
import { flat } from './protobuf.ts';

interface ExportOptions extends ReadOptions {
  /** Weights of any type that the engine takes; the file holds them as float32. */
  readonly checkpoint: Checkpoint;
  /** Path of the file to write. It appears when it is complete. */
  readonly out: string;
}

/**
 * Writes the model that the weights are for, of either form, as one file: input `pixels` [1, 3, 224, 224] (float32, RGB, normalised as ImageNet), outputs named after the tasks
 * (`landmarks`, `headpose`, ...), raw as the network gives them. Holds one tensor at a time.
 * @returns the file's size in bytes
 * @throws FaceXFormerError WRONG_WEIGHTS if a tensor is missing, of another shape, or of no float type; LIMIT; ABORTED; what else the file system says, as it says it
 */
export async function exportOnnx({ checkpoint, out, ...reading }: ExportOptions): Promise<number> {
  const decoded = inFloat32(checkpoint);
  const { backbone, heads } = readConfig(decoded.tensors);
  const encode = ENCODERS[backbone.name];
  if (!encode) throw new FaceXFormerError('WRONG_WEIGHTS', `The ONNX export does not know the backbone ${backbone.name}.`);
  return writeOnnx(facexformer(decoded.tensors, heads, encode), decoded, out, reading);
}

/** Writes any graph over the tensors of a checkpoint in float32 to an ONNX file, and gives its bytes. */
export async function writeOnnx(graph: Graph, checkpoint: Checkpoint, out: string, reading: ReadOptions = {}): Promise<number> {
  return save(out, onnxBytes(graph, checkpoint, reading));
}

/** The file in pieces, each valid until the next is asked for. */
async function* onnxBytes(graph: Graph, checkpoint: Checkpoint, reading: ReadOptions): AsyncGenerator<Uint8Array> {
  const { head, opening } = onnxFile(graph, 'facexformer-webgpu', checkpoint.source);
  yield flat(head);
  const missing = new Set(graph.weights.keys());
  for await (const { info, data } of checkpoint.read(reading)) {
    const weight = graph.weights.get(info.name);
    if (!weight) continue;
    const values = weight.convert(toFloat32(info, data));
    if (values.length !== count(weight.shape)) throw new RangeError(`${info.name}: ${values.length} numbers for [${weight.shape}]`);
    yield flat(opening(weight));
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    missing.delete(info.name);
  }
  for (const name of missing) throw new FaceXFormerError('WRONG_WEIGHTS', `The checkpoint lists ${name} but did not give its data.`);
}
