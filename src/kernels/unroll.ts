/**
 * Loops of a fixed length, written out: `for (var i = 0u; i < ROWS; i++) { ... }`, ROWS a number or a constant of the file, becomes its body as
 * often, each in a block with `const i`. Compilers of GPUs unroll such loops, but browsers stand before them: Safari's WGSL compiler counts every
 * turn of a loop in a volatile variable, Firefox's tests a bound in each, and past either nothing is unrolled, no array of a thread stays in
 * registers and no load goes ahead. An index that is constant needs no check of its bounds, either.
 */

/** Turns that are written out; longer loops stay, and those that may end early. */
const MOST_TURNS = 16;

const LOOP = /for ?\(var (\w+) ?= ?0u; ?\1 ?< ?(\w+); ?\1\+\+\) ?{/;
const CONSTANT = /\bconst (\w+) ?= ?([^;]+);/g;

/** @param wgsl whose machine shape is final */
export function unrolled(wgsl: string): string {
  const text = wgsl.replace(/\/\/.*/g, '');
  const sizes = new Map<string, number>();
  for (const [, name, value] of text.matchAll(CONSTANT)) {
    const size = sizeOf(value as string, sizes);
    if (size !== undefined) sizes.set(name as string, size);
  }
  return written(text, sizes);
}

function written(text: string, sizes: ReadonlyMap<string, number>): string {
  const [head, name, bound] = LOOP.exec(text) ?? [];
  if (head === undefined) return text;
  const start = text.indexOf(head);
  const body = start + head.length;
  const end = closing(text, body);
  const inner = written(text.slice(body, end), sizes);
  const turns = sizeOf(bound as string, sizes) ?? Number.POSITIVE_INFINITY;
  const stays = turns > MOST_TURNS || /\b(break|continue)\b/.test(inner);
  const loop = stays ? `${head}${inner}}` : Array.from({ length: turns }, (_, i) => `{const ${name}=${i}u;${inner}}`).join('');
  return text.slice(0, start) + loop + written(text.slice(end + 1), sizes);
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

/** Of `8u * X_QUADS + ROW_GROUPS - 1u` and the like, in whole numbers as WGSL has them; undefined of anything else. */
function sizeOf(expression: string, sizes: ReadonlyMap<string, number>): number | undefined {
  const tokens = expression.match(/\w+|\S/g) ?? [];
  const atom = (): number => {
    const token = tokens.shift() ?? '';
    if (token !== '(') return sizes.get(token) ?? (/^\d+u?$/.test(token) ? Number.parseInt(token, 10) : Number.NaN);
    const value = sum();
    tokens.shift();
    return value;
  };
  const product = (): number => {
    let value = atom();
    while (tokens[0] === '*' || tokens[0] === '/') value = tokens.shift() === '*' ? value * atom() : Math.floor(value / atom());
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[0] === '+' || tokens[0] === '-') value += tokens.shift() === '+' ? product() : -product();
    return value;
  };
  const value = sum();
  return tokens.length === 0 && Number.isInteger(value) ? value : undefined;
}
