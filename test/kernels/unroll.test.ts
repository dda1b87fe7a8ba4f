/// <reference types="vite/types/importMeta.d.ts" />
/** Loops of a kernel's own size, written out. That what comes out computes the same, Firefox's tests of every kernel show. */
import { describe, expect, it } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { unrolled } from '../../src/kernels/unroll.ts';
import { minifiedWgsl } from '../../tools/wgsl.mjs';

const texts = import.meta.glob<string>('../../src/kernels/**/*.wgsl', { eager: true, import: 'default' });
const textOf = (path: string): string => texts[`../../src/kernels/${path}`] as string;
const files = Object.keys(texts).map((path) => path.slice('../../src/kernels/'.length));
const loops = (text: string): number => text.match(/\bfor ?\(/g)?.length ?? 0;

describe('a loop', () => {
  const body = (text: string) => unrolled(`const N = 3u; const M = 2u; fn f() { ${text} }`).replace(/^.*fn f\(\) \{ | \}$/g, '');

  it('over a constant is its body as often, with the counter a constant', () => {
    expect(body('for (var i = 0u; i < N; i++) { a[i] = i; }')).toBe(
      '{const i=0u; a[i] = i; }{const i=1u; a[i] = i; }{const i=2u; a[i] = i; }',
    );
  });

  it('over a number, too', () => {
    for (const three of ['3u', '3']) expect(body(`for(var i=0u;i<${three};i++){x;}`)).toBe('{const i=0u;x;}{const i=1u;x;}{const i=2u;x;}');
  });

  it('in another is written out in each of its turns, and what follows stays', () => {
    const text = body('for (var i = 0u; i < M; i++) { if (x) { for (var j = 0u; j < M; j++) { s += i * j; } } t++; } return;');
    const inner = '{const j=0u; s += i * j; }{const j=1u; s += i * j; }';
    expect(text).toBe(`{const i=0u; if (x) { ${inner} } t++; }{const i=1u; if (x) { ${inner} } t++; } return;`);
  });

  it.each([
    ['an expression', 'for (var i = 0u; i < N / 1u; i++) { }'],
    ['a variable', 'for (var i = 0u; i < n; i++) { }'],
    ['an override', 'for (var i = 0u; i < OTHER; i++) { }'],
    ['another start', 'for (var i = 1u; i < N; i++) { }'],
    ['another step', 'for (var i = 0u; i < N; i += 2u) { }'],
    ['two counters', 'for (var i = 0u; j < N; i++) { }'],
    ['a constant, but with an end of its own,', 'for (var i = 0u; i < N; i++) { if (x) { break; } }'],
  ])('over %s stays', (_, text) => {
    expect(body(text)).toBe(text);
  });

  it('of more than 16 turns stays, and what is in it does not', () => {
    const made = unrolled('const L = 17u; const M = 1u; fn f() { for (var i = 0u; i < L; i++) { for (var j = 0u; j < M; j++) { x; } } }');
    expect(made).toContain('for (var i = 0u; i < L; i++) { {const j=0u; x; } }');
    expect(loops(unrolled('const L = 16u; fn f() { for (var i = 0u; i < L; i++) { x; } }'))).toBe(0);
  });

  it.each([
    ['8u * A', 8],
    ['(7u * A + 7u) / 8u', 1],
    ['10u - A - 2u * 3u', 3],
    ['7u / 2u * 2u', 6],
    ['((A))', 1],
  ])('over %s takes %i turns', (size, turns) => {
    const made = unrolled(`const A = 1u; const B = ${size}; fn f() { for (var i = 0u; i < B; i++) { x; } }`);
    expect(made.match(/const i=/g)).toHaveLength(turns);
  });

  it('over what is no whole number stays', () => {
    for (const size of ['1.5', 'A +', 'f(2u)', 'Z'])
      expect(loops(unrolled(`const B = ${size}; fn f() { for (var i = 0u; i < B; i++) { x; } }`)), size).toBe(1);
  });

  it.each(['// unroll', '// unroll: sums stay in registers', '/*unroll*/'])('that says %s is written out where no other is', (mark) => {
    const text = `const N = 2u; fn f() { for (var i = 0u; i < N; i++) { ${mark}\n for (var j = 0u; j < N; j++) { x; } } }`;
    const made = unrolled(text, 'marked');
    expect([made.match(/const i=/g)?.length, loops(made)]).toEqual([2, 2]);
    expect(made).not.toContain('unroll');
    expect(loops(unrolled(text, 'all'))).toBe(0);
  });

  it('that says unroll is written out however long it is', () => {
    expect(unrolled('const L = 17u; fn f() { for (var i = 0u; i < L; i++) { // unroll\n x; } }', 'marked').match(/const i=/g)).toHaveLength(
      17,
    );
  });

  it.each(['// nounroll', '/*nounroll*/'])('that says %s stays', (mark) => {
    for (const which of ['marked', 'all'] as const)
      expect(loops(unrolled(`const N = 2u; fn f() { for (var i = 0u; i < N; i++) { ${mark}\n x; } }`, which)), which).toBe(1);
  });

  it('is not ended by a brace in a comment', () => {
    const made = unrolled('const N = 2u; fn f() {\n  for (var i = 0u; i < N; i++) { // {\n    x; // }\n  }\n  y;\n}');
    expect(made.replace(/\s+/g, ' ')).toBe('const N = 2u; fn f() { {const i=0u; x; }{const i=1u; x; } y; }');
  });
});

describe.each(files)('%s', (file) => {
  const text = textOf(file);

  it('is WGSL as before, with the same bindings and entry point', () => {
    const declared = (wgsl: string) => {
      const reflected = new WgslReflect(wgsl);
      return [reflected.entry.compute, ...reflected.getBindGroups()].map((list) => list.map(({ name }) => name));
    };
    expect(declared(unrolled(text))).toEqual(declared(text));
  });

  it('keeps as many loops when it was minified first', () => {
    expect(loops(unrolled(minifiedWgsl(text)))).toBe(loops(unrolled(text)));
  });

  it('leaves no loop that is written out before its end', () => {
    const ends = (wgsl: string) => wgsl.replace(/\/\/.*/g, '').match(/\b(break|continue)\b/g)?.length ?? 0;
    expect(ends(unrolled(text))).toBe(ends(text)); // in one of them, there would be more
  });
});
