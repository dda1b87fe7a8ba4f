/** PyTorch files that cost a careless reader time or memory out of all proportion, of any length. */

import { dice } from '../../checkpoint/files.ts';
import type { Generator } from '../../cost.ts';
import { mutatedTorchFile } from './mutate.ts';
import { join, op, torchZip, zipPieces } from './torch-file.ts';

const text = (chars: string) => Uint8Array.from(chars, (c) => c.charCodeAt(0));
const fill = (bytes: number, code: string) => new Uint8Array(bytes).fill(code.charCodeAt(0));
const pickled = (...parts: Uint8Array[]) => torchZip(join([text('\x80\x02'), ...parts, text('.')]), { 0: new Uint8Array(16) });
/** `one` again and again, to about so many bytes. */
const many = (bytes: number, one: Uint8Array | ((i: number) => Uint8Array)) => {
  const parts: Uint8Array[] = [];
  for (let have = 0, i = 0; have < bytes; i++) {
    const part = typeof one === 'function' ? one(i) : one;
    parts.push(part);
    have += part.length;
  }
  return join(parts);
};
const repeated =
  (code: string): Generator =>
  (bytes) =>
    pickled(fill(bytes, code));
const called = (module: string, name: string) => join([op.global(module, name), text('q\x01')]);
const float = (value: bigint) => {
  const out = new Uint8Array(9);
  out[0] = 0x47;
  new DataView(out.buffer).setBigUint64(1, value);
  return out;
};

/** By name; each holds about as many bytes as it is told. */
export const COSTS: Readonly<Record<string, Generator>> = {
  'empty dicts': repeated('}'),
  'empty lists': repeated(']'),
  'empty tuples': repeated(')'),
  'tuples of tuples': (bytes) => pickled(text(')'), fill(bytes, '\x85')),
  marks: repeated('('),
  'nothing on a stack': repeated('N'),
  'marks taken far above others': (bytes) => pickled(text('('), fill(bytes / 2, 'N'), many(bytes / 2, text('(1'))),
  'a key that is a tuple of itself, doubled': (bytes) => pickled(text('}K\x01'), many(bytes, text('2\x86')), text('}s')),
  'a key that is a deep tuple': (bytes) => pickled(text('})'), fill(bytes, '\x85'), text('}s')),
  'a deep dict': (bytes) => pickled(many(bytes / 2, text('}U\x01a')), text('N'), fill(bytes / 8, 's')),
  'lists that double by recalls': (bytes) => pickled(text(']q\x000'), many(bytes, text('](h\x00h\x00eq\x000'))),
  'a list appended to itself': (bytes) => pickled(text(']'), many(bytes, text('2a'))),
  'everything stored under one number': (bytes) => pickled(text('N'), many(bytes, text('q\x00'))),
  'everything stored under its own': (bytes) => pickled(text('\x80\x04N'), fill(bytes, '\x94')),
  'a long list copied again and again': (bytes) =>
    pickled(
      called('collections', 'OrderedDict'),
      text('0]q\x02('),
      many(bytes / 2, text('N\x85N\x86')),
      text('e0'),
      many(bytes / 2, text('h\x01h\x02\x85R0')),
      text('N'),
    ),
  'a long dict copied again and again': (bytes) =>
    pickled(
      called('collections', 'OrderedDict'),
      text('0}q\x02('),
      many(bytes / 2, (i) => join([op.int(i), text('N')])),
      text('u0'),
      many(bytes / 2, text('h\x01h\x02\x85R0')),
      text('N'),
    ),
  'tensors of one shape that is long': (bytes) => {
    const shape = join([text('('), many(bytes / 2, text('K\x01')), text('tq\x02')]);
    return pickled(
      called('torch._utils', '_rebuild_tensor_v2'),
      text('0'),
      shape,
      text('0'),
      many(bytes / 2, text('h\x02h\x020')),
      op.reduce(text('h\x01'), join([text('(NK\x00h\x02h\x02t')])),
    );
  },
  'numbers as keys that a Map places badly': (bytes) =>
    pickled(
      text('}('),
      many(bytes, (i) => join([float(BigInt(i) << 32n), text('N')])),
      text('u'),
    ),
  'long numbers as keys that differ at their end': (bytes) =>
    pickled(
      text('}('),
      many(bytes, (i) => join([text('\x8a\x0c\0\0\0\0\0\0\0\0'), Uint8Array.of(i & 255, (i >> 8) & 255, (i >> 16) & 255, 1), text('N')])),
      text('u'),
    ),
  'short texts': (bytes) => pickled(text(']('), many(bytes, text('U\x01a')), text('e')),
  'bytes of no length': (bytes) => pickled(text(']('), many(bytes, text('C\0')), text('e')),
  'decimals by the line': (bytes) => pickled(text(']('), many(bytes, text('L12345678901234567890L\n')), text('e')),
  'names by the line': (bytes) => pickled(text(']('), many(bytes, text('ca\nb\n')), text('e')),
  'a name as long as the file': (bytes) => pickled(op.global('a'.repeat(bytes / 2), 'b'.repeat(bytes / 2))),
  'names of one tensor, each with a long prefix': (bytes) =>
    pickled(
      op.dict(
        Array.from({ length: bytes / 1024 }, (_, i) => [
          `${i}${'a'.repeat(900)}.face_decoder.landmarks_token.weight`,
          op.tensor('0', 4, [1]),
        ]),
      ),
    ),
  'one long name beside many': (bytes) =>
    pickled(
      op.dict([
        ['n'.repeat(bytes / 2), op.tensor('0', 4, [1])],
        ...Array.from({ length: bytes / 512 }, (_, i): [string, Uint8Array] => [`w${i}`, op.tensor('0', 4, [1])]),
      ]),
    ),
  'dicts of tensors under one dict': (bytes) =>
    pickled(
      op.dict(
        Array.from({ length: bytes / 256 }, (_, i) => [
          `d${i}`,
          op.dict([['face_decoder.landmarks_token.weight', op.tensor('0', 4, [1])]]),
        ]),
      ),
    ),
  'tensors far apart in one storage': (bytes) => {
    const count = bytes / 8;
    const tensors = Array.from({ length: bytes / 512 }, (_, i): [string, Uint8Array] => [
      `w${i}`,
      op.tensor('0', count, [2, 2], { strides: [count - 2, 1] }),
    ]);
    return torchZip(op.pickle(op.dict(tensors)), { 0: new Uint8Array(4 * count) });
  },
  'a tensor of rows far apart': (bytes) => {
    const count = bytes / 4;
    return torchZip(op.pickle(op.dict([['w', op.tensor('0', count, [count / 16, 2], { strides: [8, count / 2 - 1] })]])), {
      0: new Uint8Array(bytes),
    });
  },
  'a tensor of many dimensions of one': (bytes) => {
    const count = bytes / 4;
    const shape = [...Array<number>(60).fill(1), count / 4];
    return torchZip(op.pickle(op.dict([['w', op.tensor('0', count, shape, { strides: [...Array<number>(60).fill(0), 2] })]])), {
      0: new Uint8Array(bytes),
    });
  },
  'many entries of a zip': (bytes) =>
    join(zipPieces(Array.from({ length: bytes / 128 }, (_, i) => ({ name: `a/${i}`, data: new Uint8Array(0) })))),
  'a storage a tensor': (bytes) => {
    const keys = Array.from({ length: bytes / 512 }, (_, i) => String(i));
    return torchZip(
      op.pickle(op.dict(keys.map((key) => [`w${key}`, op.tensor(key, 4, [4])]))),
      Object.fromEntries(keys.map((key) => [key, new Uint8Array(16)])),
    );
  },
  'a pickle of the older form that does not end': (bytes) => join([text('\x80\x02\x8a\x0alFoldx'), fill(bytes, 'N')]),
  'mutated files, one after another as objects of one': (bytes) => {
    const random = dice(bytes);
    return pickled(many(bytes, () => mutatedTorchFile(random)));
  },
};
