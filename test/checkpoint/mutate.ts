/**
 * A structure-aware mutator of safetensors files: it knows where a header's parts are and spends its changes where loaders have been
 * found to break: metadata 35 %, tensor entries 35 %, the length 10 %, consistency between entries 10 %, alignment 5 %, data 5 %.
 */
import { BITS } from '../../src/checkpoint/dtypes.ts';

type Dice = (n: number) => number;
/** A header as text pieces: what is put between braces, commas and colons, each changeable into anything. */
interface Parts {
  metadata: string | undefined;
  entries: { name: string; dtype: string; shape: string[]; offsets: string[]; extra: string }[];
  space: [before: string, after: string];
  length: bigint | undefined;
  data: Uint8Array;
}

const NUMBERS = [
  '-1',
  '-0',
  '0',
  '1',
  '2',
  '1.0',
  '1e2',
  '01',
  '+1',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '18446744073709551615',
  '18446744073709551616',
  'NaN',
  'null',
  'true',
  '"1"',
  '[1]',
  '{}',
  '',
];
const STRINGS = [
  '""',
  '"a"',
  '"__proto__"',
  '"constructor"',
  '"__metadata__"',
  '"\\ud800"',
  '"\\u0000"',
  '"\\x"',
  '"\u0001"',
  '"a',
  'a',
  '1',
  'null',
  '{}',
  '[]',
  `"${'n'.repeat(3000)}"`,
  '"\u{1f511}"',
];
const METADATA = [
  'null',
  '1',
  '[]',
  '""',
  '{"a":1}',
  '{"a":"b","a":"c"}',
  '{"a":null}',
  '{"a":{}}',
  '{"__proto__":"x"}',
  '{"a":"\\ud800"}',
  '{"a"}',
  '{"a":"b",}',
  '{',
  `{"a":"${'m'.repeat(5000)}"}`,
  `${'{"a":'.repeat(2000)}`,
  '{"a":"b"}',
  '{}',
];
const LENGTHS = [
  0n,
  1n,
  7n,
  8n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 8n,
  8_388_608n,
  8_388_609n,
  100_000_000n,
];

/** A file of up to six tensors, well-formed. */
function wellFormed(dice: Dice): Parts {
  const dtypes = [...BITS.keys()];
  let end = 0;
  const entries = Array.from({ length: dice(7) }, (_, i) => {
    const dtype = dtypes[dice(dtypes.length)] as string;
    const shape = Array.from({ length: dice(4) }, () => dice(4));
    const bits = [8, ...shape].reduce((n, d) => n * d, 1) * (BITS.get(dtype) as number);
    const begin = end;
    end += bits / 8;
    return { name: `"t${i}"`, dtype: `"${dtype}"`, shape: [8, ...shape].map(String), offsets: [String(begin), String(end)], extra: '' };
  });
  return { metadata: dice(2) ? '{"format":"pt"}' : undefined, entries, space: ['', ''], length: undefined, data: new Uint8Array(end) };
}

const pick = <T>(dice: Dice, list: readonly T[]): T => list[dice(list.length)] as T;

function changeEntry(dice: Dice, parts: Parts): void {
  if (parts.entries.length === 0) return;
  const target = pick(dice, parts.entries);
  const field = pick(dice, ['name', 'dtype', 'shape', 'offsets', 'extra', 'rank'] as const);
  if (field === 'name') target.name = dice(3) ? pick(dice, STRINGS) : pick(dice, parts.entries).name;
  else if (field === 'dtype') target.dtype = dice(2) ? pick(dice, STRINGS) : `"${pick(dice, [...BITS.keys()])}"`;
  else if (field === 'extra')
    target.extra = pick(dice, [',', ',"x":1', ',"dtype":"F32"', ',"shape":[]', ',"data_offsets":[0,0]', '}', ',"__proto__":{}']);
  else if (field === 'rank') target.shape = Array.from({ length: pick(dice, [0, 1, 63, 64, 65, 500]) }, () => '1');
  else target[field][dice(target[field].length + 1)] = pick(dice, NUMBERS);
}

function changeConsistency(dice: Dice, parts: Parts): void {
  const { entries } = parts;
  if (entries.length === 0) return;
  const change = dice(5);
  if (change === 0) entries.push({ ...pick(dice, entries), name: '"alias"' });
  else if (change === 1) entries.reverse();
  else if (change === 2) pick(dice, entries).offsets = [...pick(dice, entries).offsets];
  else if (change === 3) pick(dice, entries).offsets.reverse();
  else entries.splice(dice(entries.length), 1);
}

function changeData(dice: Dice, parts: Parts): void {
  const length = Math.max(0, parts.data.length + dice(9) - 4);
  parts.data = Uint8Array.from({ length }, () => dice(256));
}

/** One to three changes to a well-formed file; the result is mostly broken. */
export function mutatedFile(dice: Dice): Uint8Array {
  const parts = wellFormed(dice);
  for (let change = dice(3); change >= 0; change--) {
    const share = dice(100);
    if (share < 35) parts.metadata = pick(dice, METADATA);
    else if (share < 70) changeEntry(dice, parts);
    else if (share < 80) parts.length = dice(3) ? pick(dice, LENGTHS) : BigInt(dice(400));
    else if (share < 90) changeConsistency(dice, parts);
    else if (share < 95) parts.space[dice(2)] = pick(dice, [' ', '   ', '\n', '\t\r\n ', '\ufeff', '\0', '\u00a0', ' '.repeat(4096)]);
    else changeData(dice, parts);
  }
  const file = assemble(parts);
  // Now and then a blind change of one byte or a cut, anywhere.
  if (dice(10) === 0 && file.length > 0) file[dice(file.length)] = dice(256);
  return dice(10) === 0 ? file.slice(0, dice(file.length + 1)) : file;
}

function assemble({ metadata, entries, space, length, data }: Parts): Uint8Array {
  const members = entries.map((e) => `${e.name}:{"dtype":${e.dtype},"shape":[${e.shape}],"data_offsets":[${e.offsets}]${e.extra}}`);
  if (metadata !== undefined) members.unshift(`"__metadata__":${metadata}`);
  const json = new TextEncoder().encode(`${space[0]}{${members}}${space[1]}`);
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}
