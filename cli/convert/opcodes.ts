/** What each opcode of a pickle does: those that data needs, and no other. */
import type { Machine, Value } from './pickle.ts';

function pairs(items: Value[]): Map<Value, Value> {
  const map = new Map<Value, Value>();
  for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i] as Value, items[i + 1] as Value);
  return map;
}

/** By character; names as in CPython's pickletools. */
export const OPCODES: Readonly<Record<string, (m: Machine) => void>> = {
  '\x80': (m) => void m.byte(), // PROTO
  '\x95': (m) => void m.slice(8), // FRAME
  '(': (m) => m.mark(),
  '0': (m) => m.drop(), // POP
  '1': (m) => void m.popMark(), // POP_MARK
  '2': (m) => m.push(m.top()), // DUP
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  I: (m) => m.push(integerLine(m)), // INT
  L: (m) => m.push(m.decimal(m.line())), // LONG
  J: (m) => m.push(m.int32()), // BININT
  K: (m) => m.push(m.count(1)), // BININT1
  M: (m) => m.push(m.count(2)), // BININT2
  '\x8a': (m) => m.push(m.integer(m.count(1))), // LONG1
  '\x8b': (m) => m.push(m.integer(m.count(4))), // LONG4
  F: (m) => m.push(Number(m.line())), // FLOAT
  G: (m) => m.push(m.float64()), // BINFLOAT
  X: (m) => m.push(m.text(m.count(4))), // BINUNICODE
  '\x8c': (m) => m.push(m.text(m.count(1))), // SHORT_BINUNICODE
  '\x8d': (m) => m.push(m.text(m.count(8))), // BINUNICODE8
  V: (m) => m.push(m.line()), // UNICODE
  T: (m) => m.push(m.text(m.count(4))), // BINSTRING
  U: (m) => m.push(m.text(m.count(1))), // SHORT_BINSTRING
  B: (m) => m.push(m.slice(m.count(4))), // BINBYTES
  C: (m) => m.push(m.slice(m.count(1))), // SHORT_BINBYTES
  '\x8e': (m) => m.push(m.slice(m.count(8))), // BINBYTES8
  ']': (m) => m.push([]), // EMPTY_LIST
  a: (m) => {
    const item = m.pop();
    m.append([item]); // APPEND
  },
  e: (m) => m.append(m.popMark()), // APPENDS
  l: (m) => m.push(m.popMark()), // LIST
  ')': (m) => m.push([]), // EMPTY_TUPLE
  t: (m) => m.push(m.popMark()), // TUPLE
  '\x85': (m) => m.push([m.pop()]), // TUPLE1
  '\x86': (m) => m.push([m.pop(), m.pop()].reverse()), // TUPLE2
  '\x87': (m) => m.push([m.pop(), m.pop(), m.pop()].reverse()), // TUPLE3
  '}': (m) => m.push(new Map()), // EMPTY_DICT
  d: (m) => m.push(pairs(m.popMark())), // DICT
  s: (m) => m.setItems([m.pop(), m.pop()].reverse()), // SETITEM
  u: (m) => m.setItems(m.popMark()), // SETITEMS
  '\x8f': (m) => m.push([]), // EMPTY_SET
  '\x90': (m) => m.append(m.popMark()), // ADDITEMS
  p: (m) => m.put(Number(m.decimal(m.line()))), // PUT
  q: (m) => m.put(m.count(1)), // BINPUT
  r: (m) => m.put(m.count(4)), // LONG_BINPUT
  '\x94': (m) => m.memoize(),
  g: (m) => m.get(Number(m.decimal(m.line()))), // GET
  h: (m) => m.get(m.count(1)), // BINGET
  j: (m) => m.get(m.count(4)), // LONG_BINGET
  c: (m) => m.global(m.line(), m.line()), // GLOBAL
  '\x93': (m) => {
    const name = m.pop();
    m.global(m.pop(), name); // STACK_GLOBAL
  },
  R: (m) => m.reduce(),
  '\x81': (m) => m.reduce(), // NEWOBJ
  b: (m) => m.build(),
  Q: (m) => m.persistent(), // BINPERSID
};

function integerLine(m: Machine): Value {
  const text = m.line();
  return text === '00' ? false : text === '01' ? true : m.decimal(text);
}
