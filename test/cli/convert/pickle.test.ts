/** What each opcode that data need makes, of all protocols: torch.save's own files have but some of them. */
import { expect, it } from 'vitest';
import { readPickle } from '../../../cli/convert/pickle.ts';
import { torchVocabulary } from '../../../cli/convert/tensors.ts';

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

it.each([
  ['N.', null],
  ['\x88.', true],
  ['\x89.', false],
  ['I01\n.', true],
  ['I00\n.', false],
  ['I-12\n.', -12],
  ['L-7L\n.', -7],
  ['L12345678901234567890L\n.', 12345678901234567890n],
  ['K\xff.', 255],
  ['M\x01\x02.', 513],
  ['J\xfe\xff\xff\xff.', -2],
  ['\x8a\x00.', 0],
  ['\x8a\x02\x00\x80.', -32768],
  ['\x8b\x02\0\0\0\xff\x7f.', 32767],
  ['F-1.5e3\n.', -1500],
  ['G\xbf\xf8\0\0\0\0\0\0.', -1.5],
  ['X\x02\0\0\0\xc3\xa9.', 'é'],
  ['\x8c\x04\xef\xbb\xbfa.', '\ufeffa'],
  ['\x8d\x01\0\0\0\0\0\0\0a.', 'a'],
  ['Vab\n.', 'ab'],
  ['T\x01\0\0\0a.', 'a'],
  ['U\x01a.', 'a'],
  ['B\x01\0\0\0\xff.', bytes('\xff')],
  ['C\x01\xff.', bytes('\xff')],
  ['\x8e\x01\0\0\0\0\0\0\0\xff.', bytes('\xff')],
  ['\x96\x01\0\0\0\0\0\0\0\xff.', bytes('\xff')],
  ['].', []],
  [').', []],
  ['\x8f.', []],
  ['(K\x01K\x02l.', [1, 2]],
  ['(K\x01K\x02t.', [1, 2]],
  ['(K\x01K\x02\x91.', [1, 2]],
  ['K\x01\x85.', [1]],
  ['K\x01K\x02\x86.', [1, 2]],
  ['K\x01K\x02K\x03\x87.', [1, 2, 3]],
  [']K\x01aK\x02a.', [1, 2]],
  ['](K\x01K\x02e.', [1, 2]],
  ['\x8f(K\x01K\x02\x90.', [1, 2]],
  ['}.', new Map()],
  ['(U\x01aK\x01d.', new Map([['a', 1]])],
  ['}U\x01aK\x01s.', new Map([['a', 1]])],
  ['}(U\x01aK\x01U\x01bK\x02u.', new Map([...'ab'].map((key, i) => [key, i + 1]))],
  ['K\x01K\x020.', 1],
  ['K\x01(K\x02K\x031.', 1],
  ['K\x012\x86.', [1, 1]],
  ['K\x01p3\n0K\x02g3\n\x86.', [2, 1]],
  ['K\x01q\x010K\x02h\x01\x86.', [2, 1]],
  ['K\x01r\x01\0\0\x000K\x02j\x01\0\0\0\x86.', [2, 1]],
  ['K\x01\x940K\x02\x940h\x01h\x00\x86.', [2, 1]],
  ['\x80\x04\x95\x02\0\0\0\0\0\0\0N.', null],
])('%j', (pickle, value) => {
  const read = readPickle(bytes(`.${pickle}more`), torchVocabulary(new Map()), 1);
  expect(read).toEqual({ value, end: 1 + pickle.length });
});
