/** The few lines of DOM that the pages' parts share. */

/** The element of an id that the page is written with. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/** A new element with a class and children; strings become text. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** What the page's pill says of the engine. */
export function sayState(text: string, state: 'loading' | 'ready' | 'failed'): void {
  const pill = byId('engine', HTMLElement);
  pill.textContent = text;
  pill.dataset['state'] = state;
}

/** A part from 0 to 1, a bar that only says that work goes on, or no bar. */
export function showBar(part: number | 'unknown' | 'none'): void {
  const bar = byId('progress', HTMLElement);
  bar.hidden = part === 'none';
  bar.classList.toggle('unknown', part === 'unknown');
  (bar.firstElementChild as HTMLElement).style.width = typeof part === 'number' ? `${part * 100}%` : '';
  if (typeof part === 'number') bar.setAttribute('aria-valuenow', String(Math.round(part * 100)));
  else bar.removeAttribute('aria-valuenow');
}

/** Takes what is dropped anywhere on the page. */
export function onDrop(take: (data: DataTransfer | null) => void): void {
  for (const type of ['dragenter', 'dragover'] as const)
    addEventListener(type, (event) => {
      event.preventDefault();
      document.body.classList.add('dragging');
    });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dragging');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    take(event.dataTransfer);
  });
}

/** Offers a file for download. */
export function download(name: string, content: Blob): void {
  const link = make('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
