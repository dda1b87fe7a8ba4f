/** `fetch`: the authors' trained weights, converted, where `start`, the demo and the benchmark look for them. */
import { dirname, join, relative } from 'node:path';
import { FaceXFormerError } from '../src/gpu/errors.ts';
import { titleOf } from '../tools/networks.ts';
import type { Command } from '../tools/terminal/command.ts';
import { parse, parseChoice, UsageError } from '../tools/terminal/options.ts';
import { clearProgress, say, showProgress } from '../tools/terminal/progress.ts';
import { TRAINED } from '../tools/terminal/weights.ts';
import { checkOutput } from '../tools/terminal/write.ts';
import { fetchWeights, OFFICIAL, SEGFACE } from './convert/official.ts';
import { PRECISIONS } from './convert/reduce.ts';

/** @param standard where they go when no file is named; `call` is how a person runs the command, before its arguments */
export const fetchTo = (standard: string, call: string): Command => ({
  name: 'fetch',
  summary: 'download the trained weights and convert them',
  usage: `fetch [OUT.safetensors] [--from URL|FILE] [--dtype f32|f16|int8] [--whole] [--any]
       fetch segface NAME [OUT.safetensors] ...

  OUT         where they go (default: ${relative('', standard)}, or segface_NAME.safetensors beside it)
  segface     the weights of SegFace instead, by encoder and side: ${SEGFACE.names.join(', ')}
  --from      a mirror of the authors' model.pt or model_299.pt, or the file itself
  --whole     download all of it and check its SHA-256; by default only the third that is needed comes, checked piece by piece
  --any       take a file that is not the pinned one`,
  async run(args) {
    const options = { from: { type: 'string' }, dtype: { type: 'string' }, whole: { type: 'boolean' }, any: { type: 'boolean' } } as const;
    const { values, positionals } = parse(args, options);
    const { out, identity, ...official } = wantedOf(positionals, standard);
    const precision = parseChoice('--dtype', values.dtype ?? 'f32', PRECISIONS);
    const from = values.from ?? official.url;
    const isAddress = /^https?:/i.test(from);
    checkOutput(out, '', isAddress ? [] : [from]);
    say(`From ${from}`);
    try {
      const { form, tensors, bytes, notes } = await fetchWeights(out, {
        from,
        precision,
        whole: values.whole,
        identity: values.any ? null : identity,
        onFetch(loaded, size) {
          const total = values.whole ? size : size / 3; // two thirds are the optimizer's
          showProgress({ phase: 'fetching', loaded: Math.min(loaded, total), total });
        },
      });
      clearProgress();
      for (const note of notes) console.log(note);
      console.log(`${out}: ${tensors} tensors, ${bytes} bytes, ${precision}, ${form ? titleOf(form) : 'of an unknown model'}`);
    } catch (error) {
      clearProgress();
      if (!isAddress || !(error instanceof FaceXFormerError) || error.code !== 'WEIGHTS_UNREACHABLE') throw error;
      const again = args.filter((arg, i) => !arg.startsWith('--from') && args[i - 1] !== '--from');
      const help = `Get ${official.file} of ${official.repository} by other means and run: ${[call, ...again].join(' ')} --from FILE`;
      throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `${error.message} ${help}`, { cause: error });
    }
  },
});

/** Which weights the arguments name, and where they go. */
function wantedOf([first, second, third, ...more]: readonly string[], standard: string) {
  if (first !== 'segface') {
    if (second !== undefined) throw new UsageError('At most one file to write: fetch OUT.safetensors');
    const { url, repository } = OFFICIAL;
    return { out: first ?? standard, url, repository, file: 'ckpts/model.pt', identity: OFFICIAL };
  }
  const name = parseChoice('The name of SegFace’s weights', second ?? 'missing', SEGFACE.names);
  if (more.length > 0) throw new UsageError('At most one file to write: fetch segface NAME OUT.safetensors');
  const url = SEGFACE.url(name);
  const file = url.split('/').slice(-2).join('/');
  const out = third ?? join(dirname(standard), `segface_${name}.safetensors`);
  return { out, url, repository: SEGFACE.repository, file, identity: 'served' as const };
}

export const fetch = fetchTo(TRAINED, 'npm run weights --');
