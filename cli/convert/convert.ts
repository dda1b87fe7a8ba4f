/** Makes a safetensors file of the wanted precision of a file of weights, PyTorch's or safetensors. */

import type { Checkpoint, ReadOptions, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../src/checkpoint/open.ts';
import { inFloat32 } from '../../src/checkpoint/values.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { formOf } from '../../src/face/forms.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { isSegFace } from '../../src/segface/config.ts';
import { configOf, type Kind } from '../../tools/networks.ts';
import { save } from '../../tools/save.ts';
import { choiceNotes, modelsIn, unwrapped } from './names.ts';
import { type Precision, reduced } from './reduce.ts';
import { openFile, type RandomAccess, streamOf } from './source.ts';
import { type Choice, chooseStateDict, torchCheckpoint } from './state.ts';
import { isTorch, openTorch } from './torch.ts';

export interface ConvertOptions extends ReadOptions, Choice {
  /** `f32` unless given. */
  precision?: Precision | undefined;
}

export interface Converted {
  /** FaceXFormer's form, or SegFace; undefined for other models' tensors. */
  form: Kind | undefined;
  tensors: number;
  bytes: number;
  /** What else the file held, and how to take it instead: lines for a person. */
  notes: readonly string[];
}

/**
 * Converts a file. PyTorch's is streamed, never holding more than the largest tensor twice and 64 MB; beside strided tensors, the stretch
 * of the file over which they reach.
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
  { precision = 'f32', key, prefix, signal, onProgress }: ConvertOptions,
): Promise<Converted> {
  const { checkpoint: given, notes } = await openWeights(bytes, { key, prefix });
  const checkpoint = inFloat32(given);
  const form = knownForm(checkpoint);
  if (form) configOf(checkpoint.tensors); // the model's tensors, each in its shape
  const out = reduced(checkpoint, precision);
  return { form, tensors: out.tensors.size, bytes: await save(to, safetensorsBytes(out, { signal, onProgress })), notes };
}

/** The chosen model's tensors in a file, PyTorch's or safetensors, and what else the file held. */
export async function openWeights(bytes: RandomAccess, choice: Choice = {}): Promise<{ checkpoint: Checkpoint; notes: readonly string[] }> {
  if (!(await isTorch(bytes))) return chosenOf(await openAccess(bytes), choice);
  const file = await openTorch(bytes);
  const state = chooseStateDict(file.root, choice);
  return { checkpoint: torchCheckpoint(file, state), notes: state.notes };
}

/** The model in a safetensors file: its tensors by their own names, without those beside it. */
export function chosenOf(checkpoint: Checkpoint, { key, prefix }: Choice = {}): { checkpoint: Checkpoint; notes: readonly string[] } {
  if (key !== undefined) throw new FaceXFormerError('BAD_OPTION', '--key is for files of torch.save; a safetensors file has no keys.');
  const { tensors } = checkpoint;
  const models = modelsIn(tensors, prefix).map((model) => ({ path: '', model }));
  const [best] = models;
  const chosen = best ? best.model.tensors : unwrapped(tensors, prefix);
  if (chosen.size === 0 && tensors.size > 0)
    throw new FaceXFormerError('WRONG_WEIGHTS', `There are no tensors under the prefix ${JSON.stringify(prefix)}.`);
  const names = new Map([...chosen].map(([name, { name: stored }]) => [stored, name]));
  const renamed = new Map(
    [...tensors.values()]
      .filter(({ name }) => names.has(name))
      .map((info) => {
        const name = names.get(info.name) as string;
        return [name, { ...info, name }];
      }),
  );
  return {
    checkpoint: { ...checkpoint, tensors: renamed, read: (options) => readChosen(checkpoint, names, renamed, options) },
    notes: best ? choiceNotes(best, models) : [],
  };
}

async function* readChosen(
  checkpoint: Checkpoint,
  names: ReadonlyMap<string, string>,
  renamed: ReadonlyMap<string, TensorInfo>,
  options?: ReadOptions,
) {
  for await (const { info, data } of checkpoint.read(options)) {
    const name = names.get(info.name);
    if (name !== undefined) yield { info: renamed.get(name) as TensorInfo, data };
  }
}

/** The checkpoint in a file, PyTorch's or safetensors, as it is or in float32. Close it when it has been read. */
export async function fromFile(
  path: string,
  { float32 }: { float32: boolean },
): Promise<{ checkpoint: Checkpoint; notes: readonly string[]; close(): Promise<void> }> {
  const bytes = await openFile(path);
  try {
    const { checkpoint, notes } = await openWeights(bytes);
    return { checkpoint: float32 ? inFloat32(checkpoint) : checkpoint, notes, close: () => bytes.close() };
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/** A safetensors file that can be read anywhere, as a checkpoint to be read once. @throws FaceXFormerError that names the file */
export async function openAccess(bytes: RandomAccess): Promise<Checkpoint> {
  const response = new Response(streamOf(bytes), { headers: { 'content-length': String(bytes.size) } });
  try {
    return { ...(await openCheckpoint(response)), source: bytes.name };
  } catch (cause) {
    const { code, message } = FaceXFormerError.from(cause);
    throw new FaceXFormerError(code, `${bytes.name}: ${message}`, { cause });
  }
}

/** The form, or SegFace, or undefined for the tensors of another model. */
export function knownForm({ tensors }: Pick<Checkpoint, 'tensors'>): Kind | undefined {
  if (isSegFace(tensors)) return 'segface';
  try {
    return formOf(tensors);
  } catch (error) {
    if (error instanceof FaceXFormerError) return undefined;
    throw error;
  }
}
