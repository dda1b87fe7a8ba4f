/** WGSL as text: how a `.wgsl` import becomes a string. The tests and the pages get the file as it stands; the package gets it minified. */
import { readFile } from 'node:fs/promises';

/** Whitespace and comments (block comments are found by hand: they nest); words and numbers; the longest sign that there is. */
const SPACE = /\s+|\/\/.*/y;
const WORD = /0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?[iufh]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?|[\p{XID_Start}_][\p{XID_Continue}]*/uy;
const SIGN = /<<=|>>=|->|&&|\|\||==|!=|<=|>=|\+\+|--|<<|>>|[+\-*/%&|^]=|./suy;

/** The tokens of a WGSL text: words, numbers and signs. */
export function wgslTokens(text) {
  const tokens = [];
  for (let i = 0; i < text.length; ) {
    const match = (pattern) => {
      pattern.lastIndex = i;
      return pattern.exec(text)?.[0];
    };
    const block = text.startsWith('/*', i);
    const space = block ? undefined : match(SPACE);
    const token = block || space ? undefined : (match(WORD) ?? match(SIGN));
    if (token) tokens.push(token);
    i = block ? endOfBlock(text, i) : i + (space ?? token).length;
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

/**
 * The same program in fewer letters: no comments, no needless space, no zero or suffix that a number can do without, and short names for
 * what only the file itself names: parameters, variables, private functions, structures, constants. Overrides, bindings, the entry point and aliases
 * keep theirs, and so do constants that are a plain number: kernel.ts finds them by name.
 * @param isFound which of these constants it looks for: all of them unless told
 */
export function minifiedWgsl(text, isFound = () => true) {
  const tokens = renamed(wgslTokens(text), isFound).map(shortNumber).map(withoutSuffix);
  return tokens.map((token, i) => (needsSpace(tokens, i) ? ` ${token}` : token)).join('');
}

/** `.5` for `0.5`, `1.` for `1.0`. */
const shortNumber = (token) => (/^\d+\.\d+$/.test(token) ? token.replace(/^0+(?=\.\d*[1-9])/, '').replace(/0+$/, '') : token);

/**
 * `i * 4` for `i * 4u`: a number without a suffix takes the type of what it is put together with. Not where that is a number, too, nor before
 * a shift, whose right side is of its own type.
 */
function withoutSuffix(token, i, tokens) {
  if (!/^\d+u$/.test(token)) return token;
  const [beforeThat, before, after, afterThat] = [tokens[i - 2], tokens[i - 1], tokens[i + 1], tokens[i + 2]];
  const isRight = OPERATOR.test(before) && /[\w)\]]$/.test(beforeThat) && !isNumber(beforeThat) && beforeThat !== 'return';
  const isLeft = /^([(,=[]|return)$/.test(before) && OPERATOR.test(after) && !/^(<<|>>)$/.test(after) && isWord(afterThat);
  const isIndex = before === '[' && after === ']';
  const isAdded = /^[-+*/%&|^]=$/.test(before);
  return isRight || isLeft || isIndex || isAdded ? token.slice(0, -1) : token;
}

const OPERATOR = /^([-+*/%&|^<>]|[<>=!]=|<<|>>)$/;

const isNumber = (token) => /^\.?\d/.test(token ?? '');

const isWord = (token) => /^[\p{XID_Start}_]/u.test(token ?? '');

/** Whether the word at i means something that can be renamed: not a member, an attribute, or what an attribute names. */
function isName(tokens, i) {
  const [before, beforeThat] = [tokens[i - 1], tokens[i - 2]];
  return isWord(tokens[i]) && before !== '.' && before !== '@' && !(before === '(' && beforeThat === 'builtin' && tokens[i - 3] === '@');
}

/**
 * The tokens with a short name for each name that the file declares for itself: those of the module from Z on, and those of each function
 * from e on, in its own order, so that functions alike get names alike, which gzip likes.
 */
function renamed(tokens, isFound) {
  const { module, functions, functionOf } = declaredNames(tokens, isFound);
  const isOwn = (i) => isName(tokens, i) && (module.has(tokens[i]) || functions[functionOf[i]]?.has(tokens[i]));
  const taken = new Set(tokens.filter((_, i) => !isOwn(i)));
  const shortModule = naming(taken, [...LETTERS].reverse());
  for (const [i, token] of tokens.entries()) if (isOwn(i) && module.has(token)) shortModule(token);
  const moduleNames = new Set([...taken, ...[...module].map(shortModule)]);
  const shortIn = functions.map(() => naming(moduleNames, [...LETTERS]));
  return tokens.map((token, i) => (isOwn(i) ? (module.has(token) ? shortModule : shortIn[functionOf[i]])(token) : token));
}

/**
 * Names of the module: functions without a stage, structures, variables without a binding, constants that are no plain number; and of each function:
 * its parameters, variables and values. A name is the same thing, or shadows it, wherever it stands in its function, or in the module if
 * that has it, too: renaming all of its uses alike keeps every scope.
 */
function declaredNames(tokens, isFound) {
  const module = new Set();
  const kept = new Set();
  const functions = [];
  const functionOf = [];
  let depth = 0;
  let attributes = '';
  let inFunction = false;
  for (const [i, token] of tokens.entries()) {
    if (token === '{') depth++;
    if (token === '}') depth--;
    if (token === 'fn') {
      inFunction = true;
      functions.push(new Set(parameters(tokens, i + 2)));
      (/ (compute|vertex|fragment)\b/.test(attributes) ? kept : module).add(tokens[i + 1]);
    }
    functionOf.push(inFunction ? functions.length - 1 : undefined);
    if (depth === 0 && token === '}') inFunction = false;
    if (depth === 0 && (token === ';' || token === '}')) attributes = '';
    if (token === '@') attributes += ` ${tokens[i + 1]}`;
    const plain = /^\d+u$/.test(tokens[i + 3] ?? '') && tokens[i + 4] === ';' && isFound(tokens[i + 1]);
    const declared = { let: i + 1, const: i + 1, var: tokens[i + 1] === '<' ? tokens.indexOf('>', i) + 1 : i + 1 }[token];
    if (declared && inFunction) functions.at(-1).add(tokens[declared]);
    else if (declared) (/ binding\b/.test(attributes) || (token === 'const' && plain) ? kept : module).add(tokens[declared]);
    if (token === 'alias' || token === 'override') kept.add(tokens[i + 1]);
    if (token === 'struct') module.add(tokens[i + 1]);
    if (token === 'struct') for (const name of members(tokens, i + 2)) kept.add(name);
  }
  // A name that is kept, or one of the module's, is that in every function.
  for (const name of kept) module.delete(name);
  for (const own of functions) for (const name of [...kept, ...module]) own.delete(name);
  return { module, functions, functionOf };
}

/** Words before a colon between the brackets that open at i. */
function between(tokens, i, open, close) {
  const names = [];
  let depth = 0;
  for (let j = i; j < tokens.length; j++) {
    if (tokens[j] === open) depth++;
    if (tokens[j] === close && --depth === 0) break;
    if (tokens[j + 1] === ':') names.push(tokens[j]);
  }
  return names;
}

const parameters = (tokens, i) => between(tokens, i, '(', ')');
const members = (tokens, i) => between(tokens, i, '{', '}');

/** Those that are frequent in words first: gzip has them at hand. */
const LETTERS = 'etaoinsrhldcumfpgwybvkxjqzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Gives each name a short one, of a letter, then of two, without words of the language and those that are taken. */
function naming(taken, letters) {
  const free = ['', ...letters].flatMap((first) => letters.map((last) => first + last));
  const short = free.filter((name) => !taken.has(name) && !['as', 'do', 'fn', 'if', 'is', 'of'].includes(name)).values();
  const given = new Map();
  return (name) => {
    if (!given.has(name)) given.set(name, short.next().value);
    return given.get(name);
  };
}

/** Words must stay apart, and so must signs that together would be another sign. */
function needsSpace(tokens, i) {
  const [before, token] = [tokens[i - 1], tokens[i]];
  if (before === undefined) return false;
  const word = (text) => /[\p{XID_Continue}.]/u.test(text);
  if (word(before.at(-1)) && word(token[0])) return before !== '.' && token !== '.';
  return !isWord(before) && !isWord(token) && ['++', '--', '&&', '||', '//', '/*', '<<', '>>', '->'].includes(before.at(-1) + token[0]);
}

/** For esbuild: the file as it stands, so that the compilers' messages have its lines. */
export const wgslForEsbuild = {
  name: 'wgsl',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, async ({ path }) => ({ contents: await readFile(path, 'utf8'), loader: 'text' }));
  },
};

/** A kernel's file as the package has it: constants that the TypeScript beside it does not name, nobody looks for. */
export async function packagedWgsl(path) {
  const [wgsl, beside] = await Promise.all([path, path.replace(/wgsl$/, 'ts')].map((file) => readFile(file, 'utf8')));
  const names = new Set(beside.match(/\w+/g));
  return minifiedWgsl(wgsl, (name) => names.has(name));
}

/** For the package. */
export const minifiedWgslForRolldown = {
  name: 'wgsl',
  async load(id) {
    return id.endsWith('.wgsl') ? { code: await packagedWgsl(id), moduleType: 'text' } : undefined;
  },
};

/** For Vite and Vitest. */
export const wgslForVite = {
  name: 'wgsl',
  enforce: 'pre',
  async load(id) {
    const path = id.split('?')[0];
    if (!path.endsWith('.wgsl')) return undefined;
    return `export default ${JSON.stringify(await readFile(path, 'utf8'))};`;
  },
};
