import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dtype, TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { BITS } from '../../src/checkpoint/dtypes.ts';
import { MAX_HEADER_BYTES } from '../../src/checkpoint/safetensors.ts';
import { safetensorsHeader } from '../../src/checkpoint/write.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { entry, fileOf, parseHeader as parse } from './files.ts';

const parseHeader = (file: Uint8Array) => parse(file, file.length);
const two = { a: entry('F32', [2], [0, 8]), b: entry('F32', [1], [8, 12]) };
const raw = (entryText: string, dataBytes = 4) => fileOf(`{"a":${entryText}}`, dataBytes);
const sized = (shape: string, dataBytes = 4) => raw(`{"dtype":"F32","shape":${shape},"data_offsets":[0,${dataBytes}]}`, dataBytes);
const prefixed = (bytes: number[]) => Uint8Array.from([bytes.length, 0, 0, 0, 0, 0, 0, 0, ...bytes]);
const alias = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`t${i}`, entry('F32', [4], [0, 16])]));

/** What must be refused, and a word that the message must hold. */
const REFUSED: Record<string, [file: Uint8Array, says: RegExp]> = {
  // The format's own rules.
  'an empty file': [new Uint8Array(0), /0 bytes/],
  'seven bytes': [new Uint8Array(7), /7 bytes/],
  'eight bytes that speak of more': [fileOf('', 0, 2n), /2 bytes, and the file has 8/],
  'a length above the file': [fileOf(two, 12, 1000n), /1000 bytes, and the file has/],
  'a length that overflows an addition': [fileOf(two, 12, 0xffffffff000000_3cn), /at most/],
  'a length of 2^64 - 1': [fileOf(two, 12, 2n ** 64n - 1n), /18446744073709551615/],
  'a length that a double would round': [fileOf(two, 12, 2n ** 53n + 1n), /9007199254740993/],
  'a length above the cap': [fileOf(two, 12, BigInt(MAX_HEADER_BYTES) + 1n), /at most 8388608/],
  'a header that is not UTF-8': [prefixed([0xff]), /UTF-8/],
  'a header of one brace': [fileOf('{'), /string/],
  'a header that is an array': [fileOf('[]'), /expected '\{'/],
  'a header that is null': [fileOf('null'), /expected '\{'/],
  'a header that is empty': [fileOf('', 0, 0n), /expected '\{'/],
  'ten tensors on the same bytes': [fileOf(alias, 16), /begins at byte 0 .* ends at 16/],
  'a hole': [fileOf({ a: entry('F32', [1], [0, 4]), b: entry('F32', [1], [8, 12]) }, 12), /"b" begins at byte 8 .* ends at 4/],
  'a first tensor that does not begin at 0': [fileOf({ a: entry('F32', [1], [4, 8]) }, 8), /"a" begins at byte 4/],
  'an overlap': [fileOf({ a: entry('F32', [2], [0, 8]), b: entry('F32', [2], [4, 12]) }, 12), /"b" begins at byte 4/],
  'an end before its beginning': [fileOf({ a: entry('F32', [1], [4, 0]) }, 4), /"a" ends at byte 0, before/],
  'bytes after the last tensor': [fileOf(two, 12 + 37), /bytes after its last tensor/],
  'two bytes missing': [fileOf(two, 10), /cut short/],
  'offsets that do not fit the shape': [fileOf({ a: entry('I32', [2, 2], [0, 4]) }, 4), /takes 16 bytes, and its offsets span 4/],
  'four bits too many': [fileOf({ a: entry('F4', [3], [0, 1]) }, 1), /whole bytes/],
  'six bits': [fileOf({ a: entry('F6_E2M3', [1], [0, 1]) }, 1), /whole bytes/],
  'a shape of 2^64 - 2': [sized('[2,18446744073709551614]'), /above 2\^53 - 1/],
  'a shape of 2^63 - 1': [sized('[2,9223372036854775807]'), /above 2\^53 - 1/],
  'a shape whose product overflows': [sized('[94906266,94906266]'), /too large/],
  'an overflow that a zero would hide': [sized('[9007199254740991,9007199254740991,0]'), /too large/],
  // Where JSON.parse would be content.
  'a byte order mark': [prefixed([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), /expected '\{'/],
  'a duplicate tensor': [
    fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    /duplicate key "a" in the header/,
  ],
  'a duplicate tensor by an escape': [
    fileOf('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
    /duplicate key "a" in the header/,
  ],
  'a duplicate field': [
    raw('{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}'),
    /duplicate key "dtype" in the entry for tensor "a"/,
  ],
  'a duplicate __metadata__': [fileOf('{"__metadata__":{},"__metadata__":{}}'), /duplicate key/],
  'a duplicate key in __metadata__': [fileOf('{"__metadata__":{"a":"1","a":"2"}}'), /duplicate key "a"/],
  'a number in __metadata__': [fileOf('{"__metadata__":{"a":1}}'), /value in __metadata__ must be a string/],
  '__metadata__ of null': [fileOf('{"__metadata__":null}'), /__metadata__/],
  'a size of 4.0': [sized('[1.0]'), /plainly written/],
  'a size of 1e0': [sized('[1e0]'), /plainly written/],
  'a size of -0': [sized('[-0]', 0), /plainly written/],
  'a size of 01': [sized('[01]'), /plainly written|expected '\]' in shape/],
  'a size of "1"': [sized('["1"]'), /plainly written/],
  'a size of null': [sized('[null]'), /plainly written/],
  'a nested size': [sized('[[1]]'), /plainly written/],
  'a negative offset': [raw('{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}'), /plainly written/],
  'three offsets': [raw('{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}'), /more than 2/],
  'one offset': [raw('{"dtype":"F32","shape":[1],"data_offsets":[4]}'), /no two data_offsets for tensor "a"/],
  'no offsets': [raw('{"dtype":"F32","shape":[1]}'), /no two data_offsets/],
  'no dtype': [raw('{"shape":[1],"data_offsets":[0,4]}'), /no dtype for tensor "a"/],
  'no shape': [raw('{"dtype":"F32","data_offsets":[0,4]}'), /no shape/],
  'an unknown field': [raw('{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}'), /unknown field "x"/],
  'a field named __proto__': [raw('{"__proto__":{},"dtype":"F32","shape":[1],"data_offsets":[0,4]}'), /unknown field "__proto__"/],
  'an unknown dtype': [fileOf({ a: entry('F31', [1], [0, 4]) }, 4), /unknown dtype "F31"/],
  'a dtype in small letters': [fileOf({ a: entry('f32', [1], [0, 4]) }, 4), /unknown dtype/],
  'a dtype named constructor': [fileOf({ a: entry('constructor', [1], [0, 4]) }, 4), /unknown dtype/],
  'a dtype of 7': [raw('{"dtype":7,"shape":[1],"data_offsets":[0,4]}'), /must be a string/],
  'half a surrogate pair': [fileOf('{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), /surrogate/],
  'a control character in a name': [fileOf('{"a\u0000":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), /control character/],
  'a bad escape': [fileOf('{"\\x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), /bad escape/],
  'a short escape': [fileOf('{"\\u00"'), /bad escape/],
  'a comma too many': [fileOf('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},}'), /must be a string/],
  'a comment': [fileOf('{/**/}'), /must be a string/],
  'text after the object': [fileOf('{}x'), /after the header/],
  'a NUL after the object': [fileOf('{}\0'), /after the header/],
  'brackets a hundred thousand deep': [sized('['.repeat(100_000)), /plainly written/],
  'objects a hundred thousand deep': [fileOf('{"a":'.repeat(100_000)), /unknown field "a" for tensor "a"/],
  'sixty-five dimensions': [sized(`[${Array(65).fill(1)}]`), /more than 64/],
  // What people give by mistake.
  'a web page': [new TextEncoder().encode('<!DOCTYPE html><title>Not found</title>'), /web page/],
  'a web page in capitals after a line': [new TextEncoder().encode('\n<HTML><body>'), /web page/],
  'a pointer of Git LFS': [new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'), /Git LFS/],
  'a refusal that was saved as the file': [
    new TextEncoder().encode('Entry not found'),
    /begins with the text "Entry no": check the address/,
  ],
  'a PyTorch zip': [Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0, 0]), /facexformer convert/],
  'a PyTorch pickle': [Uint8Array.from([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]), /facexformer convert/],
};

describe('the safetensors reader refuses', () => {
  it.each(Object.entries(REFUSED))('%s', (_, [file, says]) => {
    let thrown: unknown;
    try {
      parseHeader(file);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FaceXFormerError);
    expect(thrown).toMatchObject({ code: 'BAD_WEIGHTS_FILE', message: expect.stringMatching(says) });
    expect((thrown as Error).message.length).toBeLessThan(400);
  });

  it('100,000 tensors on the same bytes, quickly', () => {
    const file = fileOf(
      `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":{"dtype":"F32","shape":[200,200],"data_offsets":[0,160000]}`)}}`,
      160_000,
    );
    const start = process.cpuUsage();
    expect(() => parseHeader(file)).toThrow(/begins at byte 0/);
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(3);
  });
});

describe('the safetensors reader takes', () => {
  const names = (file: Uint8Array) => [...parseHeader(file).tensors.keys()];

  it('tensors in the order of their data, whatever the order of their names', () => {
    const header = parseHeader(fileOf({ b: two.b, __metadata__: { made: 'by hand' }, a: two.a }, 12));
    expect([...header.tensors.values()].map(({ name, offset, bytes }) => [name, offset, bytes])).toEqual([
      ['a', 0, 8],
      ['b', 8, 4],
    ]);
    expect(header.metadata).toEqual(new Map([['made', 'by hand']]));
    expect(header.dataBytes).toBe(12);
  });

  it('no tensors, scalars, and dimensions of zero', () => {
    expect(names(fileOf('{}'))).toEqual([]);
    expect(names(fileOf({ a: entry('F32', [], [0, 4]) }, 4))).toEqual(['a']);
    expect(names(fileOf({ a: entry('F32', [2, 0], [0, 0]), b: entry('U8', [1], [0, 1]), c: entry('F64', [0], [1, 1]) }, 1))).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('white space before and after, as page-aligning writers put it, and inside', () => {
    for (const text of ['{}\r \t\n', '\n\t \r{}', ' { } ']) expect(names(fileOf(text))).toEqual([]);
    expect(names(fileOf(' { "a" : { "dtype" : "F32" , "shape" : [ 1 , 1 ] , "data_offsets" : [ 0 , 4 ] } } ', 4))).toEqual(['a']);
  });

  it('names that are traps to objects, and names in every script', () => {
    const list = ['__proto__', 'constructor', 'hasOwnProperty', '', 'a\\"b', 'ключ', '鍵🔑', '\u007f\u0085'];
    const text = list.map((name) => `${JSON.stringify(name)}:{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
    expect(names(fileOf(`{${text}}`))).toEqual(list);
    expect(names(fileOf('{"\\ud83d\\ude00\\n\\/":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'))).toEqual(['😀\n/']);
  });

  it('all 22 element types', () => {
    expect(BITS.size).toBe(22);
    for (const [dtype, bits] of BITS) expect(names(fileOf({ a: entry(dtype, [8], [0, bits]) }, bits))).toEqual(['a']);
  });

  it('a header only, when the length of the file is not known', () => {
    expect(parse(fileOf(two), undefined).dataBytes).toBe(12);
    expect(() => parse(fileOf(two), 8)).toThrow(/and the file has 8/);
  });
});

const dtypes = [...BITS.keys()].filter((dtype) => (BITS.get(dtype) as number) >= 8) as Dtype[];
const tensors = fc
  .uniqueArray(
    fc.record({ name: fc.string({ unit: 'binary' }), dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(4), { maxLength: 4 }) }),
    {
      selector: ({ name }) => name,
      maxLength: 12,
    },
  )
  .map((list) => list.filter(({ name }) => name !== '__metadata__'))
  .map((list) => list.map((t): TensorInfo => ({ ...t, bytes: (t.shape.reduce((n, d) => n * d, 1) * (BITS.get(t.dtype) as number)) / 8 })));

const fileWith = (list: TensorInfo[]) => {
  const header = safetensorsHeader(list);
  const file = new Uint8Array(header.length + list.reduce((sum, { bytes }) => sum + bytes, 0));
  file.set(header);
  return file;
};

describe('properties', () => {
  it('what we write, we read: names, types, shapes and order', () => {
    fc.assert(
      fc.property(tensors, (list) => {
        const file = fileWith(list);
        const header = parseHeader(file);
        expect(header.dataStart % 8).toBe(0);
        const byPlace = (a: TensorInfo, b: TensorInfo) => (a.name < b.name ? -1 : 1);
        const read = [...header.tensors.values()].map(({ offset: _, ...info }) => info);
        expect(read.sort(byPlace)).toEqual([...list].sort(byPlace));
      }),
    );
  });

  it('one changed byte in the header: refused with our error, or another valid file', () => {
    fc.assert(
      fc.property(tensors, fc.nat(), fc.nat(255), (list, where, value) => {
        const file = fileWith(list);
        file[where % file.length] = value;
        try {
          const header = parseHeader(file);
          expect(header.dataStart + header.dataBytes).toBe(file.length);
        } catch (error) {
          expect(error).toMatchObject({ name: 'FaceXFormerError', code: 'BAD_WEIGHTS_FILE' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('any bytes at all: our error or a header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, text) => {
        for (const file of [bytes, fileOf(text), fileOf(`{"a":${text}}`)])
          try {
            parseHeader(file);
          } catch (error) {
            expect(error).toMatchObject({ name: 'FaceXFormerError', code: 'BAD_WEIGHTS_FILE' });
          }
      }),
    );
  });
});
