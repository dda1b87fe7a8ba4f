/** What went wrong, said in the page; one does not hide the other. */
import { byId } from '../../tools/page/dom.ts';
import { faultCard, wordsOf } from '../../tools/page/faults.ts';

export function addFault(error: unknown): void {
  const { code, message } = wordsOf(error);
  say(code, message);
}

/** Says that a file, or a setting, was not taken, and why. */
export function say(title: string, message: string): void {
  byId('faults', HTMLElement).append(faultCard(title, message));
}
