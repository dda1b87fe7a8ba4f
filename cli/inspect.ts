/** `inspect`: what weights hold: a safetensors file, a PyTorch file (its storages unread), or a folder of hosted weights. */

import type { Command } from '../tools/terminal/command.ts';
import { parse, UsageError } from '../tools/terminal/options.ts';
import { describe } from './convert/describe.ts';

export const inspect: Command = {
  name: 'inspect',
  summary: 'list what a file of weights holds: tensors, totals, hash, form and tasks',
  usage: 'inspect FILE|FOLDER\n\n  FILE    a safetensors file or a file of torch.save\n  FOLDER  hosted weights, with their config.json',
  async run(args) {
    const { positionals } = parse(args, {});
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError('One file to look into: inspect FILE');
    console.log((await describe(file)).join('\n'));
  },
};
