/** Checkpoints of an app's own making: what they list and give is checked, so that whoever reads one can rely on it. */
import { badOption, FaceXFormerError, wrongWeights } from '../gpu/errors.ts';
import { given, optionsOf, said, shown, tag } from '../gpu/given.ts';
import { eachUnless } from '../gpu/waiting.ts';
import { plainBytes } from './bytes.ts';
import type { Checkpoint, Dtype, ReadOptions, TensorInfo } from './checkpoint.ts';
import { bytesOf, isDtype } from './dtypes.ts';

/** The options of reading, whatever was given. @throws FaceXFormerError BAD_OPTION */
export const readOptionsOf = (options: ReadOptions = {}): ReadOptions =>
  optionsOf<ReadOptions>('read', { signal: 'signal', onProgress: 'function' }, options);

/**
 * The same tensors, named once and as long as they say.
 * @throws FaceXFormerError BAD_OPTION: it is no checkpoint. As it is read: WRONG_WEIGHTS, where a tensor is not what was listed;
 * WEIGHTS_UNREACHABLE, where reading fails
 */
export function sound(checkpoint: Checkpoint): Checkpoint {
  return given('A checkpoint has `source`, `tensors` by name, and `read`, as seededCheckpoint() gives one.', () => {
    const { source, rereadable } = checkpoint;
    if (typeof source !== 'string') throw badOption(`The \`source\` of a checkpoint is ${shown(source)}; it must be words.`);
    if (typeof checkpoint.read !== 'function')
      throw badOption(`The \`read\` of ${source} is ${shown(checkpoint.read)}; it must be a function.`);
    const tensors = listed(checkpoint.tensors);
    return { source, rereadable, tensors, read: (options) => readSound(checkpoint, source, tensors, readOptionsOf(options)) };
  });
}

/** @throws FaceXFormerError BAD_OPTION: it is no list of tensors, such as `tensorsOf` gives */
export function listed<Info extends TensorInfo>(tensors: ReadonlyMap<string, Info>): ReadonlyMap<string, Info> {
  return given('Tensors are a Map from their names to { name, dtype, shape, bytes }, as tensorsOf() gives one.', () => {
    const list = new Map(tensors);
    for (const [key, { name, dtype, shape, bytes }] of list)
      if (
        name !== key ||
        !isDtype(dtype) ||
        !shape.every((n) => Number.isSafeInteger(n) && n >= 0) ||
        bytesOf(dtype as Dtype, shape) !== bytes
      )
        throw badOption(
          `The tensor ${shown(key)} is listed as ${shown(name)}, ${shown(dtype)} [${shape.map(shown)}] of ${shown(bytes)} bytes.`,
        );
    return list;
  });
}

async function* readSound(checkpoint: Checkpoint, source: string, tensors: Checkpoint['tensors'], { signal, onProgress }: ReadOptions) {
  const left = new Set(tensors.keys());
  let thrown: unknown; // by the caller's own function, who is to get it as it is
  const told = (loaded: number, total: number) => {
    try {
      onProgress?.(loaded, total);
    } catch (error) {
      thrown = error;
      throw error;
    }
  };
  try {
    for await (const one of eachUnless(signal, checkpoint.read({ signal, ...(onProgress && { onProgress: told }) }))) {
      const info = tensors.get(one.info.name);
      if (!info || !left.delete(info.name))
        throw wrong(source, `gives the tensor ${shown(one.info.name)}, which it ${info ? 'gave before' : 'does not list'}`);
      if (tag(one.data) !== 'Uint8Array') throw wrong(source, `gives ${shown(one.data)} as ${info.name}, and not a Uint8Array`);
      const data = plainBytes(one.data);
      if (data.length !== info.bytes) throw wrong(source, `gives ${data.length} bytes as ${info.name}, which has ${info.bytes}`);
      yield { info, data };
    }
  } catch (error) {
    if (error instanceof FaceXFormerError || error === thrown) throw error;
    throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `The checkpoint ${source} could not be read: ${said(error)}`, { cause: error });
  }
}

const wrong = (source: string, what: string): FaceXFormerError => wrongWeights(`The checkpoint ${source} ${what}.`);
