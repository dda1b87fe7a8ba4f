/** WGSL as text: how a `.wgsl` import becomes a string, in the build, in the tests and in the pages. */
import { readFile } from 'node:fs/promises';

/** The same program without comments, indentation and blank lines. A line of code stays a line, so that compilers' messages stay readable. */
export function strippedWgsl(text) {
  return withoutComments(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** WGSL has no strings, and its block comments nest. A comment separates tokens, so a space (or its line ends) stays in its place. */
function withoutComments(text) {
  let out = '';
  for (let i = 0; i < text.length; ) {
    if (text.startsWith('//', i)) {
      const end = text.indexOf('\n', i);
      i = end < 0 ? text.length : end;
    } else if (text.startsWith('/*', i)) {
      const end = endOfBlock(text, i);
      out += text.slice(i, end).includes('\n') ? '\n' : ' ';
      i = end;
    } else {
      out += text[i++];
    }
  }
  return out;
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

/** For esbuild. */
export const wgslForEsbuild = {
  name: 'wgsl',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, async ({ path }) => ({ contents: strippedWgsl(await readFile(path, 'utf8')), loader: 'text' }));
  },
};

/** For Vite and Vitest. */
export const wgslForVite = {
  name: 'wgsl',
  enforce: 'pre',
  async load(id) {
    const path = id.split('?')[0];
    if (!path.endsWith('.wgsl')) return undefined;
    return `export default ${JSON.stringify(strippedWgsl(await readFile(path, 'utf8')))};`;
  },
};
