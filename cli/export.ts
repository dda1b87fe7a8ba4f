/** `export`: the model with any weights as an ONNX file. */

import { openAsBlob } from 'node:fs';
import { exportOnnx } from '../onnx/export.ts';
import type { Checkpoint } from '../src/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../src/checkpoint/open.ts';
import { seededCheckpoint } from '../src/checkpoint/seeded.ts';

import { formOf } from '../src/face/forms.ts';
import { tensorsOfKind } from '../tools/networks.ts';
import type { Command } from '../tools/terminal/command.ts';
import { ENCODER_CHOICE, parse, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, showProgress } from '../tools/terminal/progress.ts';
import { chooseWeights, filesOf, weightsLine } from '../tools/terminal/weights.ts';
import { checkFolderOf, checkOutput } from '../tools/terminal/write.ts';

export const exportModel: Command = {
  name: 'export',
  summary: 'write the model and its weights as an ONNX file, opset 17, for other runtimes',
  usage: `export OUT.onnx [--weights FILE|seeded[:N]] [--form released|paper]
       [${ENCODER_CHOICE}]

  --weights   a safetensors file; default: the trained weights where they are installed, else seeded ones
  --form      of seeded weights; a file determines its own form
  --encoder   of seeded weights (default: swin_b); a file determines its own

  Input pixels [1, 3, 224, 224]: RGB, normalised as ImageNet. Outputs: one a task, raw, under the task's name.`,
  async run(args) {
    const { values, positionals } = parse(args, { weights: { type: 'string' }, form: { type: 'string' }, encoder: { type: 'string' } });
    const [out] = positionals;
    if (out === undefined || positionals.length > 1) throw new UsageError('One file to write: export OUT.onnx');
    checkFolderOf(out);
    const weights = chooseWeights(values.weights, values);
    checkOutput(out, '', filesOf(weights));
    console.error(weightsLine(weights));
    const checkpoint: Checkpoint =
      'file' in weights
        ? await openCheckpoint(await openAsBlob(weights.file))
        : seededCheckpoint(tensorsOfKind(weights.form, weights), weights.seed);
    const form = formOf(checkpoint.tensors);
    const source = 'file' in weights ? weights.name : checkpoint.source;
    const onProgress = (loaded: number, total: number) => showProgress({ phase: 'writing', loaded, total });
    try {
      const bytes = await exportOnnx({ checkpoint: { ...checkpoint, source }, out, onProgress });
      clearProgress();
      console.log(`${out}: ${form} form, opset 17, ${bytes} bytes, weights ${source}`);
    } finally {
      clearProgress();
    }
  },
};
