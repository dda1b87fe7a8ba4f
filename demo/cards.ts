/** A face's results as cards: one per task, those that the weights do not know among them. */
import { type Face, type Gallery, PARSING, type Task } from '../src/index.ts';
import { byId, make } from '../tools/page/dom.ts';

const percent = (p: number): string => `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`;
const words = (name: string): string => name.replaceAll('_', ' ');

/** In the order of the page. */
const TITLES: Record<Task, string> = {
  age: 'Age',
  gender: 'Gender',
  expression: 'Expression',
  headpose: 'Head pose',
  race: 'Race',
  segmentation: 'Parsing',
  visibility: 'Visibility',
  landmarks: 'Landmarks',
  recognition: 'Recognition',
  attributes: 'Attributes',
};

function card(task: Task, ...children: (Node | string)[]): HTMLElement {
  const made = make('article', 'card', make('h2', '', TITLES[task]), ...children);
  made.dataset['task'] = task;
  return made;
}

interface Bar {
  label: string;
  part: number;
  top?: boolean;
  colour?: readonly number[];
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
    list.append(make('div', top ? 'top' : '', name, track, make('dd', '', percent(part))));
  }
  return list;
}

function answer(text: string, small = ''): HTMLElement {
  return make('p', 'answer', text, ...(small ? [' ', make('small', '', small)] : []));
}

function choice(task: Task, found: { label: string; probability: number; probabilities: Record<string, number> }, small = ''): HTMLElement {
  const rows = Object.entries(found.probabilities).map(([label, part]) => ({ label, part, top: label === found.label }));
  return card(task, answer(words(found.label), small || percent(found.probability)), bars(rows));
}

function segmentationCard({ classes, labels }: NonNullable<Face['segmentation']>): HTMLElement {
  const counts = labels.map(() => 0);
  for (const index of classes) counts[index] = (counts[index] ?? 0) + 1;
  const rows = labels.map((label, i) => ({ label, part: (counts[i] as number) / classes.length, colour: PARSING[i]?.colour ?? [] }));
  return card('segmentation', make('p', 'note', 'Share of the box that each class takes.'), bars(rows));
}

function landmarksCard(points: NonNullable<Face['landmarks']>): HTMLElement {
  const rows = points.map(({ x, y }, i) =>
    make('tr', '', make('th', '', String(i)), make('td', '', x.toFixed(1)), make('td', '', y.toFixed(1))),
  );
  const scroll = make('div', 'scroll', make('table', '', make('tbody', '', ...rows)));
  scroll.tabIndex = 0;
  return card(
    'landmarks',
    answer(`${points.length} points`, 'iBUG 300-W'),
    make('details', '', make('summary', '', 'Coordinates in pixels'), scroll),
  );
}

function headposeCard({ pitch, yaw, roll, matrix }: NonNullable<Face['headpose']>): HTMLElement {
  const angle = (name: string, degrees: number) => make('tr', '', make('th', '', name), make('td', '', `${degrees.toFixed(1)}°`));
  const rows = [0, 3, 6].map((row) => make('tr', '', ...matrix.slice(row, row + 3).map((value) => make('td', '', value.toFixed(4)))));
  return card(
    'headpose',
    make('table', 'angles', make('tbody', '', angle('pitch', pitch), angle('yaw', yaw), angle('roll', roll))),
    make('details', '', make('summary', '', 'Rotation matrix'), make('table', '', make('tbody', '', ...rows))),
  );
}

function attributesCard(attributes: NonNullable<Face['attributes']>): HTMLElement {
  const rows = Object.entries(attributes).map(([name, { probability, value }]) => ({ label: words(name), part: probability, top: value }));
  const yes = rows.filter(({ top }) => top).length;
  const half = Math.ceil(rows.length / 2);
  const made = card('attributes', answer(`${yes} of ${rows.length}`, 'with a probability of at least 50 %'));
  made.append(make('div', 'columns', bars(rows.slice(0, half)), bars(rows.slice(half))));
  made.classList.add('wide');
  return made;
}

function visibilityCard(points: NonNullable<Face['visibility']>): HTMLElement {
  const hidden = points.filter(({ occluded }) => occluded).length;
  const dots = points.map(({ index, occluded, probability }) => {
    const dot = make('li', occluded ? 'yes' : '', String(index));
    dot.title = `point ${index}: occluded with ${percent(probability)}`;
    dot.setAttribute('aria-label', dot.title);
    return dot;
  });
  return card('visibility', answer(`${hidden} of ${points.length} occluded`, 'COFW’s points'), make('ol', 'dots', ...dots));
}

/** The embedding as a strip of 512 greys, and who in the gallery is near it. */
function recognitionCard({ embedding }: NonNullable<Face['recognition']>, gallery: Gallery, again: () => void): HTMLElement {
  const strip = make('canvas', 'barcode');
  strip.setAttribute('role', 'img');
  strip.setAttribute('aria-label', `embedding of ${embedding.length} numbers`);
  Object.assign(strip, { width: embedding.length, height: 1 });
  const largest = Math.max(...embedding.map(Math.abs));
  const pixels = new ImageData(embedding.length, 1);
  embedding.forEach((value, i) => {
    pixels.data.set([128 + (127 * value) / largest, 128, 128 - (127 * value) / largest, 255], 4 * i);
  });
  strip.getContext('2d')?.putImageData(pixels, 0, 0);
  const nearest = gallery.size > 0 ? gallery.match(embedding, -1) : undefined;
  const remember = make('button', '', 'Remember this face');
  remember.type = 'button';
  remember.addEventListener('click', () => {
    gallery.add(`face ${gallery.size + 1}`, embedding);
    again();
  });
  const said = nearest
    ? answer(nearest.name, `is the nearest of ${gallery.size}, similarity ${nearest.similarity.toFixed(3)}`)
    : answer(`${embedding.length} numbers`, 'compare faces by their cosine');
  return card('recognition', said, strip, remember);
}

function cardOf(task: Task, face: Face, gallery: Gallery, again: () => void): HTMLElement | undefined {
  if (task === 'age')
    return face.age && choice('age', face.age, `(${percent(face.age.probability)}), expected age ${face.age.years.toFixed(0)}`);
  if (task === 'gender' || task === 'race' || task === 'expression') {
    const found = face[task];
    return found && choice(task, found);
  }
  if (task === 'headpose') return face.headpose && headposeCard(face.headpose);
  if (task === 'segmentation') return face.segmentation && segmentationCard(face.segmentation);
  if (task === 'visibility') return face.visibility && visibilityCard(face.visibility);
  if (task === 'landmarks') return face.landmarks && landmarksCard(face.landmarks);
  if (task === 'recognition') return face.recognition && recognitionCard(face.recognition, gallery, again);
  return face.attributes && attributesCard(face.attributes);
}

/** Fills the results with a face's cards; tasks without a result say so. */
export function showCards(face: Face, gallery: Gallery): void {
  const again = () => showCards(face, gallery);
  const tasks = Object.keys(TITLES) as Task[];
  const cards = tasks.map((task) => {
    const made = cardOf(task, face, gallery, again);
    if (made) return made;
    const absent = card(task, make('p', 'note', 'These weights do not know this task.'));
    absent.classList.add('absent');
    return absent;
  });
  byId('results', HTMLElement).replaceChildren(...cards);
}
