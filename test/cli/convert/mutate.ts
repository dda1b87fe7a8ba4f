/** A structure-aware mutator of PyTorch files: it cuts real pickles into opcodes and changes, repeats, drops and swaps those. */
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { join, op, zipPieces } from './torch-file.ts';

type Dice = (n: number) => number;

/** Bytes after the opcode: a number of them, a line or two, or a count of so many bytes and then as many as it says. */
const ARGUMENTS: Record<string, number | 'line' | 'lines' | `count${1 | 4}`> = {
  '\x80': 1,
  K: 1,
  M: 2,
  J: 4,
  G: 8,
  q: 1,
  h: 1,
  r: 4,
  j: 4,
  X: 'count4',
  U: 'count1',
  T: 'count4',
  B: 'count4',
  C: 'count1',
  '\x8a': 'count1',
  c: 'lines',
};
const CODES = [...'(012NIJKMGXUTVBC]}aelt)dsuqhrjcRbQ.pgFL\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x93\x94\x95\x82io'];
const NAMES = [
  'os\nsystem\n',
  'builtins\neval\n',
  'collections\nOrderedDict\n',
  'torch._utils\n_rebuild_tensor_v2\n',
  'torch\nFloatStorage\n',
  'torch\nLongStorage\n',
  'torch\nSize\n',
  '\n\n',
  '__proto__\nconstructor\n',
  'torch._utils\n_rebuild_parameter\n',
];

/** The opcodes of a pickle, each with its argument, until its STOP. */
function opcodes(bytes: Uint8Array, start = 0): { list: Uint8Array[]; end: number } {
  const list: Uint8Array[] = [];
  for (let at = start; ; ) {
    const end = at + opcodeLength(bytes, at);
    list.push(bytes.slice(at, end));
    if (bytes[at] === 0x2e) return { list, end };
    at = end;
  }
}

function opcodeLength(bytes: Uint8Array, at: number): number {
  const kind = ARGUMENTS[String.fromCharCode(bytes[at] as number)] ?? 0;
  if (typeof kind === 'number') return 1 + kind;
  if (kind === 'count1') return 2 + (bytes[at + 1] as number);
  if (kind === 'count4') return 5 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 1, true);
  const line = bytes.indexOf(10, at);
  return (kind === 'line' ? line : bytes.indexOf(10, line + 1)) + 1 - at;
}

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
const legacy = fixture('legacy.pt');
const legacyPickles: Uint8Array[][] = [];
let legacyEnd = 0;
for (let i = 0; i < 5; i++) {
  const { list, end } = opcodes(legacy, legacyEnd);
  legacyPickles.push(list);
  legacyEnd = end;
}
const zipped = opcodes(
  op.pickle(
    op.dict([
      ['epoch', op.int(3)],
      [
        'state_dict',
        op.dict([
          ['a', op.tensor('0', 6, [2, 3])],
          ['b', op.tensor('1', 4, [2, 2], { strides: [1, 2] })],
        ]),
      ],
    ]),
  ),
).list;
const storages: [string, Uint8Array][] = [
  ['0', new Uint8Array(24)],
  ['1', new Uint8Array(16).fill(63)],
];

/** One opcode changed in place, or several moved. */
function changeOnce(dice: Dice, list: Uint8Array[]): void {
  if (list.length === 0) return;
  const at = dice(list.length);
  const target = list[at] as Uint8Array;
  const kind = dice(9);
  if (kind === 0) list.splice(at, 1);
  else if (kind === 1) list.splice(at, 0, target);
  else if (kind === 2) list.splice(at, 0, ...list.slice(dice(list.length)).slice(0, dice(12)));
  else if (kind === 3) [list[at], list[dice(list.length)]] = [list[dice(list.length)] as Uint8Array, target];
  else if (kind === 4) list[at] = op.int((dice(2) ? -1 : 1) * dice(2 ** 31));
  else if (kind === 5) list[at] = join([op.bytes(0x63), new TextEncoder().encode(NAMES[dice(NAMES.length)])]);
  else if (kind === 6)
    list[at] = op.bytes((CODES[dice(CODES.length)] as string).charCodeAt(0), ...Array.from({ length: dice(9) }, () => dice(256)));
  else {
    const changed = target.slice();
    changed[dice(changed.length)] = dice(3) ? dice(256) : ([0, 1, 127, 255][dice(4)] as number);
    list[at] = changed;
  }
}

function changed(dice: Dice, list: readonly Uint8Array[]): Uint8Array {
  const copy = [...list];
  for (let change = dice(4); change >= 0; change--) changeOnce(dice, copy);
  return join(copy);
}

/** A broken PyTorch file of either form. */
export function mutatedTorchFile(dice: Dice): Uint8Array {
  const file = dice(2) ? mutatedZip(dice) : mutatedLegacy(dice);
  if (dice(10) === 0) file[dice(file.length)] = dice(256);
  return dice(12) === 0 ? file.slice(0, dice(file.length + 1)) : file;
}

function mutatedLegacy(dice: Dice): Uint8Array {
  const target = dice(5) ? 3 : dice(5);
  return join([...legacyPickles.map((list, i) => (i === target ? changed(dice, list) : join(list))), legacy.slice(legacyEnd)]);
}

function mutatedZip(dice: Dice): Uint8Array {
  const data = dice(5) ? changed(dice, zipped) : join(zipped);
  const entries = [{ name: 'archive/data.pkl', data }, ...storages.map(([key, data]) => ({ name: `archive/data/${key}`, data }))];
  const lies = entries.map((entry) => {
    if (dice(20)) return entry;
    return (
      [
        { ...entry, crc: dice(2 ** 31) },
        { ...entry, method: 8 },
        { ...entry, uncompressed: dice(2 ** 31) },
        { ...entry, data: entry.data.slice(1), crc: crc32(entry.data.slice(1)) },
      ][dice(4)] ?? entry
    );
  });
  return join(zipPieces(lies));
}
