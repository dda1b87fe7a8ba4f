/** What the report's cards are made of. */
import { make } from '../../tools/page/dom.ts';
import type { BenchResult } from './result.ts';

/** A result, as far as it is known. */
export type Part = Partial<BenchResult>;

export function card(id: string, title: string, ...children: (Node | string)[]): HTMLElement {
  const made = make('article', 'card', make('h2', '', title), ...children);
  made.dataset['part'] = id;
  return made;
}

export const note = (text: string): HTMLElement => make('p', 'note', text);

/** The first row and the first column name things. */
export function table(head: readonly string[], rows: readonly (readonly (string | Node)[])[]): HTMLElement {
  const cells = (kind: 'td' | 'th', row: readonly (string | Node)[]) => row.map((cell, i) => make(i === 0 ? 'th' : kind, '', cell));
  return make(
    'div',
    'scroll-x',
    make(
      'table',
      '',
      make('thead', '', make('tr', '', ...cells('th', head))),
      make('tbody', '', ...rows.map((row) => make('tr', '', ...cells('td', row)))),
    ),
  );
}

/** Names and values, in two columns. */
export function list(rows: readonly (readonly [string, string])[]): HTMLElement {
  return make('dl', 'facts', ...rows.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]));
}
