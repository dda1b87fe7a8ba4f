import { describe, expect, it } from 'vitest';
import { Gatherer } from '../../../cli/convert/gather.ts';
import { chooseStateDict, torchCheckpoint } from '../../../cli/convert/state.ts';
import { openTorch } from '../../../cli/convert/torch.ts';
import { FaceXFormerError } from '../../../src/gpu/errors.ts';
import { inMemory } from './in-memory.ts';
import { join, op, torchZip, zipPieces } from './torch-file.ts';

const four = new Uint8Array(16);
const zip = (value: Uint8Array, storages: Record<string, Uint8Array> = { 0: four }) => torchZip(op.pickle(value), storages);
const tensor = (...args: Parameters<typeof op.tensor>) => zip(op.dict([['w', op.tensor(...args)]]));
const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const raw = (text: string) => torchZip(bytes(text), { 0: four });
const entries = (change: object, of = 0) =>
  join(
    zipPieces(
      [
        { name: 'archive/data.pkl', data: op.pickle(op.dict([['w', op.tensor('0', 4, [4])]])) },
        { name: 'archive/data/0', data: four },
      ].map((entry, i) => (i === of ? { ...entry, ...change } : entry)),
    ),
  );

/** A file of the older form: pickles one after the other, and the storages behind them. */
const older = ({ protocol = 'M\xe9\x03', machine = op.dict([['little_endian', bytes('\x88')]]), keys = ['0'], storage = '\x04' } = {}) =>
  join([
    ...[bytes('\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19'), bytes(protocol), machine, op.dict([['w', op.tensor('0', 4, [4])]])].map(op.pickle),
    op.pickle(op.tuple(...keys.map(op.text))),
    bytes(`${storage}\0\0\0\0\0\0\0`),
    four,
  ]);

async function readAll(file: Uint8Array): Promise<number> {
  const torch = await openTorch(inMemory(file, 'test.pt'));
  let length = 0;
  for await (const { data } of torchCheckpoint(torch, chooseStateDict(torch.root)).read()) length += data.length;
  return length;
}

const REFUSED: Record<string, [file: Uint8Array, says: RegExp]> = {
  'an empty file': [new Uint8Array(0), /empty/],
  'a text': [bytes('hello'), /neither a zip archive nor a pickle/],
  'os.system': [raw('cos\nsystem\n(Vecho\ntR.'), /"os\.system", which is code, not data\. Save the state dict instead/],
  'builtins.eval by STACK_GLOBAL': [raw('\x80\x04\x8c\x08builtins\x8c\x04eval\x93.'), /"builtins\.eval"/],
  'a name with a path in it': [raw('ctorch.nn.modules\nlinear.Linear\n.'), /torch\.nn\.modules/],
  'torch.load': [raw('ctorch\nload\n.'), /"torch\.load"/],
  'a storage that is none of torch': [raw('cevil\nFloatStorage\n.'), /"evil\.FloatStorage"/],
  'a storage type named toString': [raw('ctorch\ntoString\n.'), /"torch\.toString"/],
  'a call of what is no name': [raw('K\x01)R.'), /calls what is no name/],
  'a call of a storage type': [raw('ctorch\nFloatStorage\n)R.'), /calls torch\.FloatStorage/],
  'a state for a number': [raw('K\x01}b.'), /sets the state/],
  'an extension code': [raw('\x82\x01.'), /opcode 0x82/],
  'INST and OBJ': [raw('(ios\nsystem\n.'), /opcode 0x69/],
  'a pickle that does not end': [raw('}'), /does not end/],
  'a pickle that takes from nothing': [raw('R.'), /wants a tuple|empty stack/],
  'a drop of nothing': [raw('0.'), /empty stack/],
  'a store of nothing': [raw('q\0.'), /looks at an empty stack/],
  'a store of a mark': [raw('K\x01(q\0.'), /looks at an empty stack/],
  'a store under a number beyond what came before': [raw('K\x01r\x08\0\0\0.'), /stores something as 8/],
  'a call with no arguments': [raw('K\x01K\x01R.'), /wants a tuple/],
  'names that are no texts': [raw('U\x01aK\x01\x93.'), /name in its pickle is not text/],
  'modules that are none': [raw('K\x01U\x01a\x93.'), /name in its pickle is not text/],
  'a key without an item': [raw('}(U\x01au.'), /no dict/],
  'a name without an end': [raw('cos'), /does not end/],
  'a number of letters': [raw('Lx\n.'), /an integer in its pickle is not one/],
  'a number too many on the stack': [torchZip(bytes('N'.repeat(1_000_001))), /more on its stack/],
  'a stop with nothing': [raw('.'), /empty stack/],
  'a mark as the result': [raw('(.'), /empty stack/],
  'a recall of what was never stored': [raw('h\x07.'), /recalls 7/],
  'no mark': [raw('K\x01t.'), /lacks a mark/],
  'an item for no dict': [raw('K\x01K\x02K\x03s.'), /no dict/],
  'an item for no list': [raw('}K\x01a.'), /no list/],
  'a text of 4 GB': [raw('X\xff\xff\xff\xffabc.'), /does not end/],
  'bytes of 2^64 - 1': [raw('\x8e\xff\xff\xff\xff\xff\xff\xff\xff.'), /length of 18446744073709551615/],
  'an integer of 2 GB': [raw('\x8b\xff\xff\xff\x7f.'), /integer of 2147483647 bytes/],
  'a text that is not UTF-8': [raw('X\x01\x00\x00\x00\xff.'), /not UTF-8/],
  'a persistent id that is no storage': [raw('K\x01Q.'), /no storage/],
  'a storage without data': [tensor('1', 4, [4]), /lacks the data of storage 1/],
  'a storage longer than its data': [tensor('0', 5, [4]), /16 bytes for 5 elements/],
  'a storage of a negative length': [tensor('0', -1, [0]), /without key or length/],
  'a tensor beyond its storage': [tensor('0', 4, [5]), /reaches element 4 .* which has 4/],
  'an offset beyond it': [tensor('0', 4, [4], { offset: 1 }), /reaches element 4/],
  'strides beyond it': [tensor('0', 4, [2, 2], { strides: [3, 1] }), /reaches element 4/],
  'a negative stride': [tensor('0', 4, [2], { strides: [-1] }), /no proper shape/],
  'a negative size': [tensor('0', 4, [-1]), /no proper shape/],
  'more strides than sizes': [tensor('0', 4, [2], { strides: [1, 1] }), /no proper shape/],
  'a tensor of 2^80 elements by strides of 0': [tensor('0', 4, Array(4).fill(2 ** 20), { strides: [0, 0, 0, 0] }), /too large/],
  'a tensor far above the file by a stride of 0': [tensor('0', 4, [2 ** 30], { strides: [0] }), /its tensors take/],
  'many tensors of one storage': [
    zip(op.dict(Array.from({ length: 300 }, (_, i) => [`w${i}`, op.tensor('0', 2 ** 18, [2 ** 18])])), { 0: new Uint8Array(2 ** 20) }),
    /its tensors take/,
  ],
  'one storage in two lengths': [
    zip(
      op.dict([
        ['a', op.tensor('0', 4, [4])],
        ['b', op.tensor('0', 3, [3])],
      ]),
    ),
    /in two ways/,
  ],
  'one storage in two types': [
    zip(
      op.dict([
        ['a', op.tensor('0', 4, [4])],
        ['b', op.tensor('0', 4, [4], { type: 'IntStorage' })],
      ]),
    ),
    /in two ways/,
  ],
  'a tensor whose storage has the other sign': [
    zip(op.dict([['w', op.tensor('0', 4, [4], { metadata: op.dict([['neg', op.bytes(0x88)]]) })]])),
    /other sign than its storage\. Save it with tensor\.resolve_neg\(\)/,
  ],
  'a zip without a pickle': [join(zipPieces([{ name: 'archive/x', data: four }])), /without a data\.pkl/],
  'the first bytes of a zip': [entries({}).slice(0, 4), /cut off/],
  'a zip cut off': [entries({}).slice(0, -5), /cut off/],
  'a zip cut at its directory': [entries({}).slice(0, 200), /cut off/],
  'a wrong checksum of the pickle': [entries({ crc: 7 }), /"archive\/data\.pkl" is damaged/],
  'a wrong checksum of a storage': [entries({ crc: 7 }, 1), /"archive\/data\/0" is damaged/],
  'a compressed entry': [entries({ method: 8 }, 1), /is compressed/],
  'a zip bomb': [entries({ method: 8, uncompressed: 2 ** 31 }, 1), /is compressed/],
  'an entry of two sizes': [entries({ uncompressed: 2 ** 31 }, 1), /is compressed|damaged/],
  'two entries of one name': [entries({ name: 'archive/data.pkl' }, 1), /two entries/],
  'big-endian numbers': [
    join(
      zipPieces([
        { name: 'a/data.pkl', data: op.pickle(op.dict([])) },
        { name: 'a/byteorder', data: bytes('big') },
      ]),
    ),
    /little-endian/,
  ],
  'another protocol of the older form': [older({ protocol: 'M\xea\x03' }), /not one of torch\.save/],
  'big-endian numbers of the older form': [older({ machine: op.dict([['little_endian', bytes('\x89')]]) }), /little-endian/],
  'an older form that tells no machine': [older({ machine: bytes('N') }), /little-endian/],
  'an older form that lists a storage that is in no tensor': [older({ keys: ['0', '1'] }), /list of storages does not fit/],
  'an older form that lists a storage twice': [older({ keys: ['0', '0'] }), /list of storages does not fit/],
  'an older form that lacks a storage': [older({ keys: [] }), /lacks the data of storage 0/],
  'a storage of the older form of another length': [older({ storage: '\x05' }), /storage 0 has 5 elements instead of 4/],
  'an older form whose numbers are cut': [older().slice(0, -1), /was cut short: storage 0 ends at byte/],
  'an older form whose pickles are cut': [older().slice(0, 20), /was cut short: its pickle does not end/],
  'a pickle that is not torch’s': [op.pickle(op.dict([])), /not one of torch\.save/],
};

describe('the PyTorch reader refuses', () => {
  it.each(Object.entries(REFUSED))('%s', async (_, [file, says]) => {
    const reading = readAll(file);
    await expect(reading).rejects.toBeInstanceOf(FaceXFormerError);
    await expect(reading).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(says) });
  });

  it('a part of a storage whose checksum is wrong', async () => {
    const data = op.pickle(op.dict([['w', op.tensor('0', 4, [2])]]));
    const file = join(
      zipPieces([
        { name: 'a/data.pkl', data },
        { name: 'a/data/0', data: four, crc: 1 },
      ]),
    );
    await expect(readAll(file)).rejects.toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(/damaged/) });
  });

  it('what holds no tensors', async () => {
    for (const value of [op.dict([]), op.int(3), op.dict([['a', op.dict([['b', op.int(1)]])]])])
      await expect(readAll(zip(value))).rejects.toMatchObject({ code: 'WRONG_WEIGHTS', message: expect.stringMatching(/no tensors/) });
  });
});

describe('the PyTorch reader bears', () => {
  it('a file without checksums', async () => {
    expect(await readAll(entries({ crc: 0 }, 1))).toBe(16);
  });

  it('the older form, and an archive that says its numbers are little-endian', async () => {
    expect(await readAll(older())).toBe(16);
    const data = op.pickle(op.dict([['w', op.tensor('0', 4, [4])]]));
    expect(
      await readAll(
        join(
          zipPieces([
            { name: 'a/data.pkl', data },
            { name: 'a/byteorder', data: bytes('little') },
            { name: 'a/data/0', data: four },
          ]),
        ),
      ),
    ).toBe(16);
  });

  it('an archive that was packed anew, without the records of zip64', async () => {
    const file = entries({});
    expect(await readAll(join([file.subarray(0, -98), file.subarray(-22)]))).toBe(16);
  });

  it('an archive that was packed anew without its folder', async () => {
    const data = op.pickle(op.dict([['w', op.tensor('0', 4, [4])]]));
    const plain = [
      { name: 'data.pkl', data },
      { name: 'byteorder', data: bytes('little') },
      { name: 'data/0', data: four },
    ];
    expect(await readAll(join(zipPieces(plain)))).toBe(16);
  });

  const w = op.dict([['w', op.tensor('0', 4, [2, 2])]]);

  it('a dict that holds itself', async () => {
    // d = {}; d['self'] = d; d['w'] = tensor
    const loop = join([bytes('}q\x01'), op.text('self'), bytes('h\x01s'), op.text('w'), op.tensor('0', 4, [4]), bytes('s')]);
    expect(await readAll(zip(loop))).toBe(16);
  });

  it('lists that double forty times by recalls', async () => {
    const laughs = Array.from(
      { length: 40 },
      (_, i) => `](h${String.fromCharCode(i)}h${String.fromCharCode(i)}eq${String.fromCharCode(i + 1)}0`,
    ).join('');
    expect(await readAll(torchZip(join([bytes(`]q\x000${laughs}`), w, bytes('.')]), { 0: four }))).toBe(16);
  });

  it('a hundred thousand brackets deep', async () => {
    const deep = join([bytes('('.repeat(100_000)), bytes('t'.repeat(100_000))]);
    expect(
      await readAll(
        zip(
          op.dict([
            ['deep', deep],
            ['w', op.tensor('0', 4, [4])],
          ]),
        ),
      ),
    ).toBe(16);
    const dicts = join([...Array.from({ length: 20_000 }, () => bytes('}X\x01\x00\x00\x00a')), w, bytes('s'.repeat(20_000))]);
    await expect(readAll(zip(dicts))).rejects.toMatchObject({ code: 'WRONG_WEIGHTS' });
  });

  it('views of storages in the legacy form, and reads only what is asked for', async () => {
    const torch = await openTorch(inMemory(zip(w, { 0: Uint8Array.from({ length: 16 }, (_, i) => i) })));
    const tensor = chooseStateDict(torch.root).tensors.get('w');
    expect(tensor && [...(await new Gatherer(torch, [tensor]).gather(tensor))]).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });
});
