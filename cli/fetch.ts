/** `fetch`: the authors' trained weights, converted, where `start`, the demo and the benchmark look for them. */
import { relative } from 'node:path';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import type { Command } from '../tools/terminal/command.ts';
import { parse, parseChoice, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, say, showProgress } from '../tools/terminal/progress.ts';
import { TRAINED } from '../tools/terminal/weights.ts';
import { checkOutput } from '../tools/terminal/write.ts';
import { fetchWeights, OFFICIAL } from './convert/official.ts';
import { PRECISIONS } from './convert/reduce.ts';

/** @param standard where they go when no file is named; `call` is how a person runs the command, before its arguments */
export const fetchTo = (standard: string, call: string): Command => ({
  name: 'fetch',
  summary: 'download the trained weights and convert them',
  usage: `fetch [OUT.safetensors] [--from URL|FILE] [--dtype f32|f16|int8] [--whole] [--any]

  OUT         where they go (default: ${relative('', standard)})
  --from      a mirror of the authors' model.pt, or the file itself
  --whole     download all of it and check its SHA-256; by default only the third that is needed comes, checked piece by piece
  --any       take a file that is not the pinned one`,
  async run(args) {
    const options = { from: { type: 'string' }, dtype: { type: 'string' }, whole: { type: 'boolean' }, any: { type: 'boolean' } } as const;
    const { values, positionals } = parse(args, options);
    if (positionals.length > 1) throw new UsageError('At most one file to write: fetch OUT.safetensors');
    const out = positionals[0] ?? standard;
    const precision = parseChoice('--dtype', values.dtype ?? 'f32', PRECISIONS);
    const from = values.from ?? OFFICIAL.url;
    checkOutput(out, '', /^https?:/i.test(from) ? [] : [from]);
    const total = values.whole || !/^https?:/i.test(from) ? OFFICIAL.bytes : OFFICIAL.bytes / 3;
    say(`From ${from}`);
    try {
      const { form, tensors, bytes, notes } = await fetchWeights(out, {
        from,
        precision,
        whole: values.whole,
        ...(values.any && { identity: null }),
        onFetch: (loaded) => showProgress({ phase: 'fetching', loaded: Math.min(loaded, total), total }),
      });
      clearProgress();
      for (const note of notes) console.log(note);
      console.log(`${out}: ${tensors} tensors, ${bytes} bytes, ${precision}, ${form ?? 'unknown'} form`);
    } catch (error) {
      clearProgress();
      if (!(error instanceof FaceXFormerError) || error.code !== 'WEIGHTS_UNREACHABLE') throw error;
      const help = `Get ckpts/model.pt of ${OFFICIAL.repository} by other means and run: ${call} --from FILE_OR_URL`;
      throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${error.message} ${help}`, { cause: error });
    }
  },
});

export const fetch = fetchTo(TRAINED, 'npm run weights --');
