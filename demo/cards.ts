/** A face's results as cards: one per task, those that the weights do not know among them. */
import { type Bar, type Card, fixed, percent, type Reading } from '../src/face/readings/reading.ts';
import { TASK_TABLE, type TaskTable } from '../src/face/tasks.ts';
import { type Expression, type Face, type Gallery, type HeadPose, similarity } from '../src/index.ts';
import { byId, make } from '../tools/page/dom.ts';
import { cube } from './cube.ts';

function element(task: string, title: string, ...children: (Node | string)[]): HTMLElement {
  const made = make('article', 'card', make('h2', '', title), ...children);
  made.dataset['task'] = task;
  return made;
}

/** Names, bars and percentages in three columns. */
function bars(rows: readonly Bar[]): HTMLElement {
  const list = make('dl', 'bars');
  for (const { label, part, top, colour } of rows) {
    const fill = make('span');
    fill.style.width = percent(part).replace(' ', '');
    const name = make('dt', '', label);
    if (colour) {
      const swatch = make('span', 'swatch');
      swatch.style.background = `rgb(${colour.join(' ')})`;
      name.prepend(swatch);
    }
    const track = make('span', 'track', fill);
    list.append(make('div', top ? 'top' : '', name, make('dd', '', track, percent(part))));
  }
  return list;
}

function answer(text: string, small = ''): HTMLElement {
  return make('p', 'answer', text, ...(small ? [' ', make('small', '', small)] : []));
}

/** Of more bars than these, the likeliest are shown, and the others when they are asked for. */
const MOST_BARS = 20;
const FIRST_BARS = 6;

function sorted(all: readonly Bar[]): HTMLElement {
  if (all.length <= MOST_BARS) return bars(all);
  const likeliest = [...all].sort((a, b) => b.part - a.part);
  const rest = make('details', '', make('summary', '', `All ${all.length}`), bars(likeliest.slice(FIRST_BARS)));
  return make('div', '', bars(likeliest.slice(0, FIRST_BARS)), rest);
}

function table(className: string, rows: readonly (readonly string[])[], named: boolean): HTMLElement {
  const cells = (row: readonly string[]) => row.map((text, i) => make(named && i === 0 ? 'th' : 'td', '', text));
  return make('table', className, make('tbody', '', ...rows.map((row) => make('tr', '', ...cells(row)))));
}

function details({ summary, named, rows }: NonNullable<Card['details']>): HTMLElement {
  const scroll = make('div', 'scroll', table('', rows, named));
  scroll.tabIndex = 0;
  return make('details', '', make('summary', '', summary), scroll);
}

function dots(points: NonNullable<Card['dots']>): HTMLElement {
  const made = points.map(({ on, title }, i) => {
    const dot = make('li', on ? 'yes' : '', String(i));
    dot.title = title;
    dot.setAttribute('aria-label', title);
    return dot;
  });
  return make('ol', 'dots', ...made);
}

/** Numbers as shades: those below zero blue, those above it orange. */
function strip(values: ArrayLike<number>): HTMLElement {
  const canvas = make('canvas', 'barcode');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `${values.length} numbers`);
  Object.assign(canvas, { width: values.length, height: 1 });
  const numbers = Array.from(values);
  const largest = Math.max(...numbers.map(Math.abs));
  const pixels = new ImageData(numbers.length, 1);
  numbers.forEach((value, i) => {
    pixels.data.set([128 + (127 * value) / largest, 128, 128 - (127 * value) / largest, 255], 4 * i);
  });
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  return canvas;
}

function cardOf(task: string, reading: Reading<unknown>, found: unknown): HTMLElement {
  const card = reading.card(found);
  const parts = [
    card.answer !== undefined && answer(card.answer, card.small),
    card.note !== undefined && make('p', 'note', card.note),
    card.rows && table('angles', card.rows, true),
    card.bars && sorted(card.bars),
    card.dots && dots(card.dots),
    card.strip && strip(card.strip),
    card.details && details(card.details),
  ];
  const made = element(task, reading.title, ...parts.filter((part) => part instanceof HTMLElement));
  if (task === 'headpose') made.querySelector('h2')?.after(cube((found as HeadPose).matrix));
  return made;
}

function absent(task: string, { title }: Reading<unknown>, known: boolean): HTMLElement {
  const made = element(task, title, make('p', 'note', known ? 'This task was left out.' : 'These weights do not know this task.'));
  made.classList.add('absent');
  return made;
}

/** Who in the gallery is near an embedding, and a button that puts it there. */
function addGallery(card: HTMLElement, embedding: Float32Array, gallery: Gallery, again: () => void): void {
  const nearest = gallery.size > 0 ? gallery.match(embedding, -1) : undefined;
  if (nearest) {
    const said = answer(nearest.name, `is the nearest of ${gallery.size}, similarity ${fixed(nearest.similarity, 3)}`);
    card.querySelector('.answer')?.replaceWith(said);
  }
  const remember = make('button', '', 'Remember this face');
  remember.type = 'button';
  remember.addEventListener('click', () => {
    gallery.add(`face ${gallery.size + 1}`, embedding);
    again();
  });
  card.append(remember);
}

/** The faces that are like this one, where the weights tell. */
function addOthers(card: HTMLElement, face: Face, all: readonly Face[]): void {
  for (const [i, other] of all.entries())
    if (other !== face && other.recognition && face.recognition) {
      const alike = fixed(similarity(other.recognition.embedding, face.recognition.embedding), 3);
      card.append(make('p', 'note', `Face ${i + 1}: similarity ${alike}`));
    }
}

/** How a person is said to be who shows an expression; of a neutral one nothing is said. */
const MOODS: Readonly<Record<Expression, string>> = {
  surprise: 'A surprised',
  fear: 'A fearful',
  disgust: 'A disgusted',
  happiness: 'A happy',
  sadness: 'A sad',
  anger: 'An angry',
  neutral: 'A',
};

/** A face in a sentence. */
export function sentenceOf(face: Face): string {
  const mood = face.expression ? MOODS[face.expression.label] : 'A';
  const who = face.gender?.label === 'female' ? 'woman' : face.gender?.label === 'male' ? 'man' : 'face';
  const age = face.age ? ` of about ${Math.round(face.age.years)}` : '';
  const { yaw = 0, pitch = 0 } = face.headpose ?? {};
  const sideways = Math.abs(yaw) < 8 ? '' : `${Math.abs(yaw).toFixed(0)}° to the ${yaw > 0 ? 'right' : 'left'}`;
  const upwards = Math.abs(pitch) < 8 ? '' : `${Math.abs(pitch).toFixed(0)}° ${pitch > 0 ? 'up' : 'down'}`;
  const looks = [sideways, upwards].filter(Boolean).join(' and ') || 'straight ahead';
  const pose = face.headpose ? ` looks ${looks}` : ' was found';
  const hidden = face.visibility?.filter(({ occluded }) => occluded).length;
  return `${mood} ${who}${age}${pose}${hidden ? `; ${hidden} of ${face.visibility?.length} points of it are hidden` : ''}.`;
}

/** What the cards are filled with. */
export interface Shown {
  readonly face: Face;
  readonly all: readonly Face[];
  readonly gallery: Gallery;
  /** The tasks that the engine has; none where it only finds faces. */
  readonly tasks: readonly string[];
  /** Whether the numbers mean anything. */
  readonly trained: boolean | undefined;
}

/** Fills the results with a face's cards; tasks without a result say why, after those that have one. */
export function showCards(shown: Shown, table: TaskTable = TASK_TABLE): void {
  const { face, all, gallery, tasks, trained } = shown;
  const results = face as unknown as Readonly<Record<string, unknown>>;
  const summary = make('article', 'card summary', make('h2', '', 'Summary'), answer(sentenceOf(face)));
  if (trained === false) summary.append(make('p', 'note', 'Noise: the weights are untrained, so this says nothing about anybody.'));
  const open = new Set([...document.querySelectorAll<HTMLElement>('.card:has(details[open])')].map(({ dataset }) => dataset['task']));
  const named = tasks.length > 0 ? Object.entries(table) : [];
  const cards = named.map(([task, reading]) => {
    const found = results[task];
    const card = found === undefined ? absent(task, reading, tasks.includes(task)) : cardOf(task, reading, found);
    if (task === 'recognition' && face.recognition) {
      addOthers(card, face, all);
      addGallery(card, face.recognition.embedding, gallery, () => showCards(shown, table));
    }
    if (open.has(task)) for (const fold of card.querySelectorAll('details')) fold.open = true;
    return card;
  });
  const none = (card: HTMLElement): number => Number(card.classList.contains('absent'));
  byId('results', HTMLElement).replaceChildren(summary, ...cards.sort((a, b) => none(a) - none(b)));
}
