/** `seed`: untrained weights as a safetensors file. */

import { DEFAULT_SEED, seededCheckpoint } from '../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../src/checkpoint/write.ts';
import { tensorsOfKind, titleOf } from '../tools/networks.ts';
import { save } from '../tools/save.ts';
import type { Command } from '../tools/terminal/command.ts';
import { ENCODER_CHOICE, NETWORK_CHOICE, parse, parseEncoder, parseKind, parseSeed, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, showProgress } from '../tools/terminal/progress.ts';
import { checkFolderOf, checkOutput } from '../tools/terminal/write.ts';

export const seed: Command = {
  name: 'seed',
  summary: 'write untrained weights, made from a seed, as a safetensors file',
  usage: `seed OUT.safetensors [--seed N] [--form released|paper] [${NETWORK_CHOICE}] [${ENCODER_CHOICE}]\n\n  --seed N   an integer from 0 to 4294967295 (default: ${DEFAULT_SEED})`,
  async run(args) {
    const { values, positionals } = parse(args, {
      seed: { type: 'string' },
      network: { type: 'string' },
      form: { type: 'string' },
      encoder: { type: 'string' },
    });
    const [out] = positionals;
    if (out === undefined || positionals.length > 1) throw new UsageError('One file to write: seed OUT.safetensors');
    const number = values.seed === undefined ? DEFAULT_SEED : parseSeed(values.seed);
    const kind = parseKind(values);
    const backbone = parseEncoder(values.encoder);
    const checkpoint = seededCheckpoint(tensorsOfKind(kind, { backbone }), number);
    const onProgress = (loaded: number, total: number) => showProgress({ phase: 'writing', loaded, total });
    checkFolderOf(out);
    checkOutput(out);
    try {
      await save(out, safetensorsBytes(checkpoint, { onProgress }));
    } finally {
      clearProgress();
    }
    console.log(`${out}: ${checkpoint.tensors.size} tensors, seed ${number}, ${titleOf(kind)} on ${backbone}, untrained`);
  },
};
