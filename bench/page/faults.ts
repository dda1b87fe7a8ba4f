/** What went wrong, said in the page; one does not hide the other. */
import { byId, make } from '../../demo/dom.ts';
import { FaceXFormerError } from '../../src/index.ts';

export function addFault(error: unknown): void {
  const code = error instanceof FaceXFormerError ? error.code : error instanceof Error ? error.name : 'Error';
  say(code, error instanceof Error ? error.message : String(error));
}

/** Says that a file, or a setting, was not taken, and why. */
export function say(title: string, message: string): void {
  const close = make('button', '', 'Close');
  close.type = 'button';
  const card = make('div', 'fault', make('div', '', make('code', '', title), make('p', '', message)), close);
  card.dataset['code'] = title;
  close.addEventListener('click', () => card.remove());
  byId('faults', HTMLElement).append(card);
}

export const clearFaults = (): void => byId('faults', HTMLElement).replaceChildren();
