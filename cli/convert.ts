/** `convert`: a PyTorch or safetensors file to a safetensors file that the engine reads. */

import { titleOf } from '../tools/networks.ts';
import type { Command } from '../tools/terminal/command.ts';
import { parse, parseChoice, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, showProgress } from '../tools/terminal/progress.ts';
import { checkOutput } from '../tools/terminal/write.ts';
import { convertFile } from './convert/convert.ts';
import { PRECISIONS } from './convert/reduce.ts';

export const convert: Command = {
  name: 'convert',
  summary: 'make a safetensors file of a PyTorch checkpoint, in float32, float16 or int8',
  usage: `convert IN OUT.safetensors [--dtype f32|f16|int8] [--key KEY] [--prefix PREFIX]

  IN          a file of torch.save (.pt, .pth) or a safetensors file
  --dtype     f32 (default), f16, or int8 with a float32 scale per output channel; norms, biases and tables stay f32
  --key KEY   the keys that lead to the state dict, with dots, . for the top (default: FaceXFormer's, or SegFace's, is found by its tensors' names)
  --prefix P  what stands before the names of the model's tensors, where there is more than one, for example ema_model.`,
  async run(args) {
    const { values, positionals } = parse(args, { dtype: { type: 'string' }, key: { type: 'string' }, prefix: { type: 'string' } });
    const [from, to] = positionals;
    if (from === undefined || to === undefined || positionals.length > 2) throw new UsageError('Two files: convert IN OUT.safetensors');
    const precision = parseChoice('--dtype', values.dtype ?? 'f32', PRECISIONS);
    checkOutput(to, '', [from]);
    const onProgress = (loaded: number, total: number) => showProgress({ phase: 'converting', loaded, total });
    try {
      const { key, prefix } = values;
      const { form, tensors, bytes, notes } = await convertFile(from, to, { precision, key, prefix, onProgress });
      clearProgress();
      for (const note of notes) console.log(note);
      console.log(
        `${to}: ${tensors} ${tensors === 1 ? 'tensor' : 'tensors'}, ${bytes} bytes, ${precision}, ${form ? titleOf(form) : 'not FaceXFormer, converted as it is'}`,
      );
    } finally {
      clearProgress();
    }
  },
};
