/** `inspect`: what a safetensors file holds. */
import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { checkTensors, formOf } from '../checkpoint/check.ts';
import type { TensorInfo } from '../checkpoint/checkpoint.ts';
import { tensorsOf } from '../checkpoint/manifest.ts';
import { openCheckpoint } from '../checkpoint/open.ts';
import { FaceXFormerError } from '../gpu/errors.ts';
import { TASKS } from '../model/labels.ts';
import type { Command } from './command.ts';
import { parse, UsageError } from './options.ts';

export const inspect: Command = {
  name: 'inspect',
  summary: 'list the tensors of a safetensors file, its totals, and the tasks that it holds',
  usage: 'inspect FILE',
  async run(args) {
    const { positionals } = parse(args, {});
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError('One file to look into: inspect FILE');
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `There is no file ${file}.`);
    const stream = createReadStream(file);
    try {
      const body = Readable.toWeb(stream) as ReadableStream<Uint8Array>;
      const { tensors } = await openCheckpoint(new Response(body, { headers: { 'content-length': String(size) } }));
      console.log(lines(tensors, size).join('\n'));
    } finally {
      stream.destroy();
    }
  },
};

function lines(tensors: ReadonlyMap<string, TensorInfo>, size: number): string[] {
  const all = [...tensors.values()];
  const width = Math.max(...all.map(({ name }) => name.length));
  const rows = all.map(({ name, dtype, shape, bytes }) => `${name.padEnd(width)}  ${dtype.padEnd(4)} [${shape.join(', ')}]  ${bytes}`);
  const parameters = all.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
  const dtypes = [...new Set(all.map(({ dtype }) => dtype))].join(', ');
  return [...rows, '', `${all.length} tensors, ${parameters} numbers, ${dtypes}, ${size} bytes`, ...verdict(tensors)];
}

/** Which form the tensors are, what tasks it knows, and what keeps the engine from taking them. */
function verdict(tensors: ReadonlyMap<string, TensorInfo>): string[] {
  try {
    const form = formOf(tensors);
    checkTensors(tensors, tensorsOf(form));
    const tasks = TASKS.filter((task) => form === 'paper' || (task !== 'expression' && task !== 'recognition'));
    return [`${form} form; tasks: ${tasks.join(', ')}`];
  } catch (error) {
    if (error instanceof FaceXFormerError) return [`${error.code}: ${error.message}`];
    throw error;
  }
}
