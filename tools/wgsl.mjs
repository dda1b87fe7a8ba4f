/** WGSL as text: how a `.wgsl` import becomes a string. The tests and the pages get the file as it stands; the package gets it without comments. */
import { readFile } from 'node:fs/promises';

/** Whitespace and comments (block comments are found by hand: they nest); words and numbers; the longest sign that there is. */
const SPACE = /\s+|\/\/.*/y;
const WORD = /0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?[iufh]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?|[\p{XID_Start}_][\p{XID_Continue}]*/uy;
const SIGN = /<<=|>>=|->|&&|\|\||==|!=|<=|>=|\+\+|--|<<|>>|[+\-*/%&|^]=|./suy;

/** A comment that has a meaning, as people write it and as the package has it: src/kernels/unroll.ts says which. */
const MARK = /\/\/ ?(?:no)?unroll\b.*|\/\*(?:no)?unroll\*\//y;

/** The tokens of a WGSL text: words, numbers and signs, and the marks of loops. */
export function wgslTokens(text) {
  const tokens = [];
  for (let i = 0; i < text.length; ) {
    const match = (pattern) => {
      pattern.lastIndex = i;
      return pattern.exec(text)?.[0];
    };
    const mark = match(MARK);
    const block = !mark && text.startsWith('/*', i);
    const space = block || mark ? undefined : match(SPACE);
    const token = block || space || mark ? undefined : (match(WORD) ?? match(SIGN));
    if (token) tokens.push(token);
    if (mark) tokens.push(mark.includes('nounroll') ? '/*nounroll*/' : '/*unroll*/');
    i = block ? endOfBlock(text, i) : i + (mark ?? space ?? token).length;
  }
  return tokens;
}

function endOfBlock(text, start) {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text.startsWith('/*', i)) {
      depth++;
      i++;
    } else if (text.startsWith('*/', i)) {
      depth--;
      i++;
      if (depth === 0) return i + 1;
    }
  }
  throw new SyntaxError('a block comment is not closed');
}

/** The same program without comments, but for the marks that unroll.ts reads, and without needless space. */
export const minifiedWgsl = (text) => joined(wgslTokens(text));

/** The same, with short names for what is a function's own: what the package has. */
export const packagedWgsl = (text) => joined(withShortNames(wgslTokens(text)));

function joined(tokens) {
  return tokens.map((token, i) => (needsSpace(tokens, i) ? ` ${token}` : token)).join('');
}

const isWord = (token) => /^[\p{XID_Start}_]/u.test(token ?? '');

/** Words must stay apart, and so must signs that together would be another sign. */
function needsSpace(tokens, i) {
  const [before, token] = [tokens[i - 1], tokens[i]];
  if (before === undefined) return false;
  const word = (text) => /[\p{XID_Continue}.]/u.test(text);
  if (word(before.at(-1)) && word(token[0])) return before !== '.' && token !== '.';
  return !isWord(before) && !isWord(token) && ['++', '--', '&&', '||', '//', '/*', '<<', '>>', '->'].includes(before.at(-1) + token[0]);
}

/**
 * The same tokens, but that a function's own names (parameters, `let` and `var`) are a letter or two. Other files are joined to it, whose names
 * nobody knows here: a name stays that the function may mean something else by.
 */
export function withShortNames(tokens) {
  const short = [...tokens];
  const used = new Set(tokens);
  const free = [...LETTERS, ...LETTERS.flatMap((letter) => [...'0123456789'].map((digit) => letter + digit))].filter(
    (name) => !used.has(name),
  );
  for (let from = tokens.indexOf('fn'); from >= 0; from = tokens.indexOf('fn', from + 1)) {
    const end = closing(tokens, tokens.indexOf('{', from));
    const scopes = scopesOf(tokens, from, end);
    const names = [...scopes.keys()].filter((name) => name.length > 1 && isOwn(tokens, name, scopes.get(name), from, end));
    for (const [n, name] of names.slice(0, free.length).entries())
      for (let i = from; i < end; i++) if (tokens[i] === name && tokens[i - 1] !== '.') short[i] = free[n];
  }
  return short;
}

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Where each name that a function declares means what it declared: from the declaration's token, with what it is set to left out, to the block's end. */
function scopesOf(tokens, from, end) {
  const scopes = new Map();
  const add = (name, ...parts) => scopes.set(name, [...(scopes.get(name) ?? []), ...parts]);
  const body = tokens.indexOf('{', from);
  for (let i = from; i < body; i++) if (tokens[i + 1] === ':') add(tokens[i], [i, end]);
  for (let i = body; i < end; i++) {
    if (!['let', 'var'].includes(tokens[i])) continue; // constants are found by their names
    const inHeader = tokens[i - 1] === '(';
    const block = inHeader ? tokens.indexOf('{', i) + 1 : i;
    add(tokens[i + 1], [i + 1, i + 2], [tokens.indexOf(';', i), blockEnd(tokens, block)]);
  }
  return scopes;
}

const isOwn = (tokens, name, scopes, from, end) =>
  tokens.every((token, i) => token !== name || i < from || i >= end || tokens[i - 1] === '.' || scopes.some(([a, b]) => i >= a && i < b));

/** Where the brace closes that opens at `open`. */
const closing = (tokens, open) => blockEnd(tokens, open + 1);

/** Where the block ends in which the token `at` is. */
function blockEnd(tokens, at) {
  let depth = 1;
  for (let i = at; i < tokens.length; i++) {
    if (tokens[i] === '{') depth++;
    if (tokens[i] === '}' && --depth === 0) return i;
  }
  return tokens.length;
}

/** Gives esbuild the file as it stands, so that the compilers' messages have its lines. */
export const wgslForEsbuild = {
  name: 'wgsl',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, async ({ path }) => ({ contents: await readFile(path, 'utf8'), loader: 'text' }));
  },
};

/** Gives the package its WGSL. */
export const minifiedWgslForRolldown = {
  name: 'wgsl',
  async load(id) {
    return id.endsWith('.wgsl') ? { code: packagedWgsl(await readFile(id, 'utf8')), moduleType: 'text' } : undefined;
  },
};

/** Gives Vite and Vitest the file as it stands. */
export const wgslForVite = {
  name: 'wgsl',
  enforce: 'pre',
  async load(id) {
    const path = id.split('?')[0];
    if (!path.endsWith('.wgsl')) return undefined;
    return `export default ${JSON.stringify(await readFile(path, 'utf8'))};`;
  },
};
