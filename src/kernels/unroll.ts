/**
 * Loops of a fixed length, written out: `for (var i = 0u; i < ROWS; i++) { ... }`, ROWS a number or a constant of the file, becomes its body as
 * often, each in a block with `const i`. Then an index in it is a constant: it needs no check of its bounds, and an array of a thread is registers.
 *
 * A loop that says `{ // unroll` is written out for every GPU: whether sums stay in registers may not depend on what a driver thinks of loops. All
 * others are left to the drivers' compilers, but where a browser or system stands before them: Safari's WGSL compiler counts every turn in a volatile
 * variable, Firefox's tests a bound in each, Windows' HLSL compiler unrolls none, and past it what an array holds lies in memory. There every such
 * loop is written out but those that say `{ // nounroll`.
 */
import { constantsOf, sizeOf } from './constants.ts';

/** Turns that are written out without being asked for; longer loops stay. */
const MOST_TURNS = 16;

/** The marks as people write them, and as the package has them. */
const LOOP = /for ?\(var (\w+) ?= ?0u; ?\1 ?< ?(\w+); ?\1\+\+\) ?{(?: ?(\/\/ ?(?:no)?unroll\b.*|\/\*(?:no)?unroll\*\/))?/;
const ASKS = /\/[/*] ?unroll\b/;
const COMMENT = /\/\/(?! ?(?:no)?unroll\b).*/g;

/**
 * @param wgsl whose machine shape is final
 * @param which loops are written out: those that are marked, or all of a fixed length
 */
export function unrolled(wgsl: string, which: 'marked' | 'all' = 'all'): string {
  if (which === 'marked' && !ASKS.test(wgsl)) return wgsl; // with its comments and lines
  const text = wgsl.replace(COMMENT, '');
  return written(text, constantsOf(text), which === 'all');
}

function written(text: string, sizes: ReadonlyMap<string, number>, all: boolean): string {
  const [head, name, bound, mark = ''] = LOOP.exec(text) ?? [];
  if (head === undefined) return text;
  const start = text.indexOf(head);
  const body = start + head.length;
  const end = closing(text, body);
  const inner = written(text.slice(body, end), sizes, all);
  const turns = sizeOf(bound as string, sizes) ?? Number.POSITIVE_INFINITY;
  const goes = isWanted(mark, all, turns) && !/\b(break|continue)\b/.test(inner);
  const opened = head.slice(0, head.lastIndexOf('{') + 1);
  const loop = goes ? Array.from({ length: turns }, (_, i) => `{const ${name}=${i}u;${inner}}`).join('') : `${opened}${inner}}`;
  return text.slice(0, start) + loop + written(text.slice(end + 1), sizes, all);
}

function isWanted(mark: string, all: boolean, turns: number): boolean {
  if (mark.includes('nounroll')) return false;
  return mark === '' ? all && turns <= MOST_TURNS : Number.isFinite(turns);
}

/** Where the block that begins before `at` ends. */
function closing(text: string, at: number): number {
  let depth = 1;
  let end = at;
  while (depth > 0) {
    const mark = text[end++];
    depth += mark === '{' ? 1 : mark === '}' ? -1 : 0;
  }
  return end - 1;
}
