/** `shard` and `verify`: weights in the layout in which they are hosted. */

import { titleOf } from '../tools/networks.ts';
import type { Command } from '../tools/terminal/command.ts';
import { parse, parseChoice, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, showProgress } from '../tools/terminal/progress.ts';
import { checkOutputFolder } from '../tools/terminal/write.ts';
import { fromFile } from './convert/convert.ts';
import { shardCheckpoint } from './convert/host.ts';
import { PRECISIONS, reduced } from './convert/reduce.ts';
import { verify as verifyWeights } from './convert/verify.ts';

export const shard: Command = {
  name: 'shard',
  summary: 'lay weights out for hosting: config.json with hashes, and files of at most 100 MB',
  usage: `shard IN FOLDER [--max MB] [--dtype f32|f16|int8] [--source TEXT]

  IN          a file of torch.save or a safetensors file
  --max MB    most megabytes of a file (default: 100)
  --dtype     reduce the weights on the way; as they are unless given
  --source    where the weights are from, for config.json`,
  async run(args) {
    const { values, positionals } = parse(args, { max: { type: 'string' }, dtype: { type: 'string' }, source: { type: 'string' } });
    const [from, folder] = positionals;
    if (from === undefined || folder === undefined || positionals.length > 2) throw new UsageError('A file and a folder: shard IN FOLDER');
    const megabytes = Number(values.max ?? 100);
    if (!(megabytes >= 1 && megabytes <= 1e6)) throw new UsageError(`--max is ${values.max}; it must be megabytes, 1 or more.`);
    const precision = values.dtype === undefined ? undefined : parseChoice('--dtype', values.dtype, PRECISIONS);
    checkOutputFolder(folder);
    const onProgress = (loaded: number, total: number) => showProgress({ phase: 'writing', loaded, total });
    const opened = await fromFile(from, { float32: precision !== undefined });
    try {
      const checkpoint = precision === undefined ? opened.checkpoint : reduced(opened.checkpoint, precision);
      const { form, files, removed } = await shardCheckpoint(checkpoint, folder, {
        maxBytes: megabytes * 1e6,
        source: values.source,
        input: from,
        onProgress,
      });
      clearProgress();
      for (const note of opened.notes) console.log(note);
      for (const { name, bytes, sha256 } of files) console.log(`${name}  ${bytes}  ${sha256}`);
      for (const name of removed) console.log(`removed ${name}, which the config.json before this one listed`);
      console.log(
        `${folder}: ${titleOf(form)}, ${files.length} ${files.length === 1 ? 'file' : 'files'} and config.json; its address, ending in /, is what the engine takes`,
      );
    } finally {
      clearProgress();
      await opened.close();
    }
  },
};

export const verify: Command = {
  name: 'verify',
  summary: 'check weights: structure, hashes, every tensor of the model, every number one that the engine takes',
  usage: `verify FOLDER|FILE

  FOLDER  hosted weights, as shard writes them: every file and chunk by the SHA-256 that config.json says, and the index of shards
  FILE    a safetensors file: its structure; its SHA-256 is printed
Of both: that they hold every tensor of the model in its shape, and that every number is finite and below 2^64.`,
  async run(args) {
    const { positionals } = parse(args, {});
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) throw new UsageError('One folder or file: verify FOLDER');
    try {
      const { form, tensors, files } = await verifyWeights(path, (loaded, total) => showProgress({ phase: 'hashing', loaded, total }));
      clearProgress();
      for (const { name, bytes, sha256 } of files) console.log(`${name}  ${bytes}  ${sha256}`);
      console.log(`complete: ${titleOf(form)}, ${tensors} tensors`);
    } finally {
      clearProgress();
    }
  },
};
