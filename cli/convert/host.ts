/**
 * The layout in which weights are hosted, as the Hugging Face hub has it: model.safetensors, or shards with an index, and a
 * config.json that says what they are and by which hashes the page verifies them.
 */

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint, ReadOptions, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { CHUNK_BYTES, parseConfig } from '../../src/checkpoint/hosted.ts';
import { inFloat32 } from '../../src/checkpoint/values.ts';
import { safetensorsHeader } from '../../src/checkpoint/write.ts';
import { type Config, tasksOf } from '../../src/face/config.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { configOf, type Kind, kindOf } from '../../tools/networks.ts';
import { obstacle, sameFile, save, type Waiting, writeBeside } from '../../tools/save.ts';
import { knownForm } from './convert.ts';
import { Hasher, type Hashes } from './hash.ts';

export const INDEX = 'model.safetensors.index.json';

interface ShardOptions extends ReadOptions {
  /** Most bytes of a file; 100 MB unless given. A tensor that is longer has a file of its own. */
  maxBytes?: number | undefined;
  /** Where the weights are from, for people. */
  source?: string | undefined;
  /** The file from which the checkpoint is read, which must not be written over. */
  input?: string | undefined;
}

export interface HostedFiles {
  form: Kind;
  /** `header`: that of the safetensors file, so that who opens the folder need not open the file to know its tensors. */
  files: ({ name: string; header: string } & Hashes)[];
  /** Files of an earlier run into the folder that are not among these. */
  removed: string[];
}

/**
 * Writes a checkpoint of FaceXFormer into a folder, ready to be hosted. config.json is written last: a folder with one is whole. What fails or is ended
 * before all files are written leaves the folder as it was. Files that the config.json before it listed go then, and no others.
 * @throws FaceXFormerError WRONG_WEIGHTS, BAD_OPTION, LIMIT, ABORTED
 */
export async function shardCheckpoint(
  checkpoint: Checkpoint,
  folder: string,
  { maxBytes = 100e6, source, input, ...reading }: ShardOptions,
): Promise<HostedFiles> {
  if (!knownForm(checkpoint))
    throw new FaceXFormerError('WRONG_WEIGHTS', 'Only FaceXFormer and SegFace can be hosted, and these are the weights of another model.');
  const model = configOf(inFloat32(checkpoint).tensors);
  const earlier = await listedFiles(folder);
  const groups = grouped([...checkpoint.tensors.values()], maxBytes);
  for (const name of [...groups.map((_, i) => fileName(i, groups.length)), INDEX, 'config.json', ...earlier])
    if (input !== undefined && sameFile(join(folder, name), input))
      throw new FaceXFormerError(
        'BAD_OPTION',
        `${join(folder, name)} would be written over or removed, and it is the input; give another folder.`,
      );
  const tensors = checkpoint.read(reading)[Symbol.asyncIterator]();
  const files: HostedFiles['files'] = [];
  const waiting: Waiting[] = [];
  try {
    for (const [i, group] of groups.entries()) {
      const name = fileName(i, groups.length);
      const hasher = new Hasher();
      const header = safetensorsHeader(group);
      waiting.push(await writeBeside(join(folder, name), hashed(header, group, tensors, hasher)));
      files.push({ name, ...hasher.end(), header: new TextDecoder().decode(header.subarray(8)) });
    }
    for (const file of waiting) await file.place();
  } finally {
    for (const file of waiting.reverse()) file.drop();
    await tensors.return?.();
  }
  if (groups.length > 1) await saveJson(join(folder, INDEX), index(groups));
  await saveJson(join(folder, 'config.json'), configJson(model, checkpoint, files, source));
  const names = files.map(({ name }) => name);
  const removed = earlier.filter((name) => !names.includes(name) && !(name === INDEX && groups.length > 1));
  for (const name of removed) await rm(join(folder, name), { force: true });
  return { form: kindOf(model), files, removed };
}

/** What an earlier run wrote into the folder, by its config.json. A file of another name is not ours to remove, whoever lists it. */
async function listedFiles(folder: string): Promise<string[]> {
  const path = join(folder, 'config.json');
  if (obstacle(path) !== undefined) return [];
  try {
    const files = parseConfig(await readFile(path), path);
    const names = files.map(({ name }) => name).filter((name) => /^model(-\d{5}-of-\d{5})?\.safetensors$/.test(name));
    return names.length > 1 ? [...names, INDEX] : names;
  } catch {
    return []; // none, or one that is not ours
  }
}

function fileName(i: number, count: number): string {
  if (count === 1) return 'model.safetensors';
  const digits = (n: number) => String(n).padStart(5, '0');
  return `model-${digits(i + 1)}-of-${digits(count)}.safetensors`;
}

/** Runs of tensors whose files stay within the bound. */
function grouped(infos: readonly TensorInfo[], maxBytes: number): TensorInfo[][] {
  const groups: TensorInfo[][] = [];
  let size = 0;
  for (const info of infos) {
    // An entry of the header takes its name and some 80 characters more.
    const bytes = info.bytes + info.name.length + 100;
    const group = groups.at(-1);
    if (group && size + bytes <= maxBytes) group.push(info);
    else {
      groups.push([info]);
      size = 0;
    }
    size += bytes;
  }
  return groups;
}

async function* hashed(
  header: Uint8Array,
  group: readonly TensorInfo[],
  tensors: AsyncIterator<{ info: TensorInfo; data: Uint8Array }>,
  hasher: Hasher,
) {
  hasher.add(header);
  yield header;
  for (const expected of group) {
    const { done, value } = await tensors.next();
    if (done || value.info.name !== expected.name)
      throw new FaceXFormerError('BAD_WEIGHTS_FILE', `${expected.name} did not come in its turn.`);
    hasher.add(value.data);
    yield value.data;
  }
}

function index(groups: readonly TensorInfo[][]): object {
  const entries = groups.flatMap((group, i) => group.map(({ name }) => [name, fileName(i, groups.length)] as const));
  const total_size = groups.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  return { metadata: { total_size }, weight_map: Object.fromEntries(entries) };
}

function configJson(model: Config, checkpoint: Checkpoint, files: HostedFiles['files'], source: string | undefined): object {
  const types = new Set([...checkpoint.tensors.values()].map(({ dtype }) => dtype));
  const dtype = types.has('I8') ? 'int8' : types.has('F16') ? 'f16' : types.has('BF16') ? 'bf16' : 'f32';
  const tasks = tasksOf(model);
  return {
    model_type: model.form ? 'facexformer' : 'segface',
    ...(model.form && { form: model.form }),
    dtype,
    ...(dtype === 'int8' && {
      quantization_config: { format: 'int-quantized', strategy: 'channel', scales: 'NAME_scale, F32; value = I8 * scale' },
    }),
    tasks,
    labels: Object.fromEntries(tasks.flatMap((task) => (model.table[task]?.labels ? [[task, model.table[task].labels]] : []))),
    preprocessing: {
      size: [model.side, model.side],
      crop: 'the face box, wider and higher by half, clamped to the picture, truncated to integers; the aspect ratio is not kept',
      resize: "Pillow's bicubic",
      scale: '1/255',
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
    source: source ?? checkpoint.source,
    chunk_bytes: CHUNK_BYTES,
    files,
  };
}

async function saveJson(path: string, value: object): Promise<void> {
  await save(path, [new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`)]);
}
