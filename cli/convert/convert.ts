/** From a file of weights, PyTorch's or safetensors, to a safetensors file of the wanted precision. */
import { checkTensors, formOf } from '../../src/checkpoint/check.ts';
import type { Checkpoint, ReadOptions } from '../../src/checkpoint/checkpoint.ts';
import { type Form, tensorsOf } from '../../src/checkpoint/manifest.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { inFloat32 } from '../../src/checkpoint/values.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { save } from '../../tools/save.ts';
import { type Precision, reduced } from './reduce.ts';
import { openFile, type RandomAccess, streamOf } from './source.ts';
import { chooseStateDict, torchCheckpoint } from './state.ts';
import { isTorch, openTorch } from './torch.ts';

export interface ConvertOptions extends ReadOptions {
  /** `f32` unless given. */
  precision?: Precision | undefined;
  /** The keys that lead to the state dict, with dots; found by its tensors' names unless given. */
  key?: string | undefined;
}

export interface Converted {
  /** FaceXFormer's form; undefined for other models' tensors. */
  form: Form | undefined;
  tensors: number;
  bytes: number;
}

/**
 * Converts a file. PyTorch's is streamed, never holding more than the largest tensor twice and 64 MB.
 * @throws FaceXFormerError BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE, LIMIT, ABORTED
 */
export async function convertFile(from: string, to: string, options: ConvertOptions = {}): Promise<Converted> {
  const bytes = await openFile(from);
  try {
    return await convertBytes(bytes, to, options);
  } finally {
    await bytes.close();
  }
}

/** Converts what can be read anywhere: a file or an address. */
export async function convertBytes(
  bytes: RandomAccess,
  to: string,
  { precision = 'f32', key, ...reading }: ConvertOptions,
): Promise<Converted> {
  const given = (await isTorch(bytes)) ? await fromTorch(bytes, key) : await openAccess(bytes);
  const checkpoint = inFloat32(given);
  const form = knownForm(checkpoint);
  if (form) checkTensors(checkpoint.tensors, tensorsOf(form));
  const out = reduced(checkpoint, precision);
  return { form, tensors: out.tensors.size, bytes: await save(to, safetensorsBytes(out, reading)) };
}

async function fromTorch(bytes: RandomAccess, key: string | undefined): Promise<Checkpoint> {
  const file = await openTorch(bytes);
  return torchCheckpoint(file, chooseStateDict(file.root, key));
}

/** The checkpoint in a file, PyTorch's or safetensors, as it is or in float32. Close it when it has been read. */
export async function fromFile(
  path: string,
  { float32 }: { float32: boolean },
): Promise<{ checkpoint: Checkpoint; close(): Promise<void> }> {
  const bytes = await openFile(path);
  try {
    const checkpoint = (await isTorch(bytes)) ? await fromTorch(bytes, undefined) : await openAccess(bytes);
    return { checkpoint: float32 ? inFloat32(checkpoint) : checkpoint, close: () => bytes.close() };
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/** A safetensors file that can be read anywhere, as a checkpoint to be read once. */
export async function openAccess(bytes: RandomAccess): Promise<Checkpoint> {
  const response = new Response(streamOf(bytes), { headers: { 'content-length': String(bytes.size) } });
  return { ...(await openCheckpoint(response)), source: bytes.name };
}

/** The form, or undefined for the tensors of another model. */
export function knownForm({ tensors }: Pick<Checkpoint, 'tensors'>): Form | undefined {
  try {
    return formOf(tensors);
  } catch (error) {
    if (error instanceof FaceXFormerError) return undefined;
    throw error;
  }
}
