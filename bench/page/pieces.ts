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

/** The first row and the first column name things. It is scrolled where it is wider than the page, by keys too. */
export function table(head: readonly string[], rows: readonly (readonly (string | Node)[])[]): HTMLElement {
  const names = head.map((name) => make(name === '' ? 'td' : 'th', '', name));
  const cells = (row: readonly (string | Node)[]) => row.map((cell, i) => make(i === 0 ? 'th' : 'td', '', cell));
  const holder = make(
    'div',
    'scroll-x',
    make('table', '', make('thead', '', make('tr', '', ...names)), make('tbody', '', ...rows.map((row) => make('tr', '', ...cells(row))))),
  );
  holder.tabIndex = 0;
  return holder;
}

/** Names and values, in two columns. */
export function list(rows: readonly (readonly [string, string])[]): HTMLElement {
  return make('dl', 'facts', ...rows.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]));
}
