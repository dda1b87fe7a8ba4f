/**
 * InsightFace's files of pairs (lfw.bin and the like): a Python pickle of a list of pictures' bytes and a list of whether the first two are of one person, the next two, and so
 * on. Only what such a list needs is read; a pickle that names a class, and so could run code elsewhere, is refused.
 */
import { readFileSync } from 'node:fs';
import { CommandError } from '../../tools/terminal/command.ts';

export interface Pairs {
  /** PNG or JPEG files, two a pair. */
  readonly pictures: readonly Uint8Array[];
  readonly same: readonly boolean[];
}

type Cell = Uint8Array | boolean | number | Cell[];

/** @throws CommandError */
export function readPairs(path: string): Pairs {
  const bad = (why: string, cause?: unknown) => new CommandError(`${path} is no file of pairs: ${why}.`, { cause });
  let value: Cell | undefined;
  try {
    value = unpickled(readFileSync(path));
  } catch (cause) {
    throw bad((cause as Error).message, cause);
  }
  const [pictures, same] = Array.isArray(value) ? value : [];
  if (!Array.isArray(pictures) || !Array.isArray(same)) throw bad('it has no two lists');
  if (!pictures.every((one) => one instanceof Uint8Array)) throw bad('its first list is not of bytes');
  if (pictures.length !== 2 * same.length) throw bad(`it has ${pictures.length} pictures for ${same.length} pairs`);
  if (!same.every((one) => one === Boolean(one) || one === 0 || one === 1)) throw bad('its second list is not of true and false');
  return { pictures: pictures as Uint8Array[], same: same.map(Boolean) };
}

const MARK = Symbol('mark');
/** Most opcodes, each of which may make a list: a picture and its pair take three. */
const MOST_STEPS = 2_000_000;

function unpickled(bytes: Buffer): Cell | undefined {
  const stack: (Cell | typeof MARK)[] = [];
  const memo = new Map<number, Cell>();
  let at = 0;
  const skip = (count: number): number => {
    if (at + count > bytes.length) throw new Error('it ends early');
    at += count;
    return at - count;
  };
  const u8 = () => bytes.readUInt8(skip(1));
  const u32 = () => bytes.readUInt32LE(skip(4));
  const slice = (length: number) => {
    const from = skip(length);
    return bytes.subarray(from, from + length);
  };
  const top = () => stack.at(-1) as Cell;
  const marked = (): Cell[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw new Error('it closes what it did not open');
    return stack.splice(from).slice(1) as Cell[];
  };
  const extend = (items: Cell[]) => {
    const list = top();
    if (!Array.isArray(list)) throw new Error('it appends to what is no list');
    for (const item of items) list.push(item);
  };
  const steps: Readonly<Record<string, () => void>> = {
    '\x80': () => skip(1),
    '\x95': () => skip(8),
    '(': () => stack.push(MARK),
    ']': () => stack.push([]),
    ')': () => stack.push([]),
    l: () => stack.push(marked()),
    t: () => stack.push(marked()),
    '\x85': () => stack.push(stack.splice(-1) as Cell[]),
    '\x86': () => stack.push(stack.splice(-2) as Cell[]),
    '\x87': () => stack.push(stack.splice(-3) as Cell[]),
    a: () => extend(stack.splice(-1) as Cell[]),
    e: () => extend(marked()),
    q: () => memo.set(u8(), top()),
    r: () => memo.set(u32(), top()),
    '\x94': () => memo.set(memo.size, top()),
    h: () => stack.push(memo.get(u8()) as Cell),
    j: () => stack.push(memo.get(u32()) as Cell),
    U: () => stack.push(slice(u8())),
    T: () => stack.push(slice(u32())),
    C: () => stack.push(slice(u8())),
    B: () => stack.push(slice(u32())),
    '\x8e': () => stack.push(slice(Number(bytes.readBigUInt64LE(skip(8))))),
    '\x88': () => stack.push(true),
    '\x89': () => stack.push(false),
    K: () => stack.push(u8()),
    M: () => stack.push(bytes.readUInt16LE(skip(2))),
    J: () => stack.push(bytes.readInt32LE(skip(4))),
  };
  for (let left = MOST_STEPS; ; left--) {
    if (left === 0) throw new Error('its pickle has more in it than pictures and whether they are of one person');
    const code = String.fromCharCode(u8());
    if (code === '.') return stack.pop() as Cell | undefined;
    const step = steps[code];
    if (!step) throw new Error(`opcode 0x${code.charCodeAt(0).toString(16)} at byte ${at - 1} is not one that lists of bytes need`);
    step();
  }
}
