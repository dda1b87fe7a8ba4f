/** The comparison's part of the page: result files in, one column each. */
import { byId, make } from '../../tools/page/dom.ts';
import { bestOf, factsOf, rowsOf, unlike } from './compare.ts';
import { say } from './faults.ts';
import type { Part } from './pieces.ts';
import { parseResult } from './result.ts';

interface Named {
  readonly name: string;
  readonly result: Part;
}

/** A result file is a few dozen kB; what is larger is not read. */
const LARGEST = 2 ** 23;

const ratio = (times: number): string =>
  times < 9.995 ? times.toFixed(2) : times < 99.95 ? times.toFixed(1) : Math.round(times).toLocaleString('en');

export class Comparison {
  #columns: Named[] = [];

  constructor() {
    byId('columns', HTMLElement).tabIndex = 0; // scrolled by keys too
    const input = byId('files', HTMLInputElement);
    input.addEventListener('change', () => {
      void this.take([...(input.files ?? [])]);
      input.value = '';
    });
  }

  /** Adds a run; one of the same date is the same run. */
  add(name: string, result: Part): void {
    const same = ({ result: { date } }: Named) => date !== undefined && date === result.date;
    this.#columns = [...this.#columns.filter((column) => !same(column)), { name, result }];
    this.#show();
  }

  /** Adds every file that is a result; the others are named with their fault, and nothing is lost. */
  async take(files: readonly File[]): Promise<void> {
    for (const file of files) {
      try {
        if (file.size > LARGEST) throw new Error('it is larger than any result');
        this.add(file.name.replace(/\.json$/, ''), parseResult(await file.text()));
      } catch (error) {
        say(file.name, `Not added: ${error instanceof Error ? error.message : error}.`);
      }
    }
  }

  #show(): void {
    const results = this.#columns.map(({ result }) => result);
    byId('none', HTMLElement).hidden = results.length > 0;
    const differing = unlike(results);
    byId('unlike', HTMLElement).hidden = differing.length === 0;
    byId('unlike', HTMLElement).textContent =
      `These results are not of the same work: they differ in ${differing.join(', ')}. Their times do not say which machine or engine is faster.`;
    byId('worse', HTMLElement).hidden = results.length < 2;
    const head = make('tr', '', make('td', ''), ...this.#columns.map((column) => this.#heading(column)));
    const facts = factsOf(results).map(({ label, values }) =>
      make('tr', 'fact', make('th', '', label), ...values.map((value) => make('td', '', value))),
    );
    const rows = rowsOf(results).map((row) => {
      const best = bestOf(row);
      const top = best === undefined ? undefined : row.values[best];
      const cells = row.values.map((value, i) => {
        const cell = make('td', i === best ? 'best' : '', value === undefined ? '–' : row.text(value));
        if (value !== undefined && top !== undefined && i !== best && top > 0 && row.better)
          cell.append(make('small', '', ` ${ratio(row.better === 'less' ? value / top : top / value)}×`));
        return cell;
      });
      return make('tr', '', make('th', '', row.label), ...cells);
    });
    byId('columns', HTMLElement).replaceChildren(
      ...(results.length > 0 ? [make('table', '', make('thead', '', head), make('tbody', '', ...facts), make('tbody', '', ...rows))] : []),
    );
  }

  #heading(column: Named): HTMLElement {
    const remove = make('button', 'small', '×');
    remove.type = 'button';
    remove.title = `Take ${column.name} out`;
    remove.setAttribute('aria-label', remove.title);
    remove.addEventListener('click', () => {
      this.#columns = this.#columns.filter((one) => one !== column);
      this.#show();
    });
    return make('th', '', column.name, ' ', remove);
  }
}
