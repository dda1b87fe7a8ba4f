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
export function minifiedWgsl(text) {
  const tokens = wgslTokens(text);
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
    return id.endsWith('.wgsl') ? { code: minifiedWgsl(await readFile(id, 'utf8')), moduleType: 'text' } : undefined;
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
