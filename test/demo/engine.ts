/** An engine for the demo whose faces are made up, so that the page can be looked at in every state without a network: eight faces in wide pictures, one in others. */
import type { DemoEngine, Loaded } from '../../demo/engine.ts';
import { AGES, ATTRIBUTES, EXPRESSIONS, PARSING, RACES, TASKS } from '../../src/face/labels.ts';
import type { Analysis, Box, Face, Point } from '../../src/index.ts';
import { FaceXFormerError } from '../../src/index.ts';
import type { Kind } from '../../tools/networks.ts';
import { sayState } from '../../tools/page/dom.ts';

const choice = <Label extends string>(labels: readonly Label[], likeliest: number) => {
  const rest = 0.4 / (labels.length - 1);
  const probabilities = Object.fromEntries(labels.map((label, i) => [label, i === likeliest % labels.length ? 0.6 : rest])) as Record<
    Label,
    number
  >;
  return { label: labels[likeliest % labels.length] as Label, probability: 0.6, probabilities };
};

/** Points along a part of an ellipse, in parts of the face, from one angle in turns to another. */
const arc = (count: number, x: number, y: number, rx: number, ry: number, from = 0, to = 1): Point[] =>
  Array.from({ length: count }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / (count - (to - from === 1 ? 0 : 1)));
    return { x: x + rx * Math.cos(angle), y: y + ry * Math.sin(angle) };
  });

const SHAPE: readonly Point[] = [
  ...arc(17, 0.5, 0.45, 0.36, 0.45, 0.5, 0),
  ...arc(5, 0.34, 0.38, 0.1, 0.06, 0.55, 0.95),
  ...arc(5, 0.66, 0.38, 0.1, 0.06, 0.55, 0.95),
  ...Array.from({ length: 4 }, (_, i) => ({ x: 0.5, y: 0.42 + 0.05 * i })),
  ...arc(5, 0.5, 0.58, 0.07, 0.04, 0.5, 0),
  ...arc(6, 0.35, 0.43, 0.06, 0.025),
  ...arc(6, 0.65, 0.43, 0.06, 0.025),
  ...arc(12, 0.5, 0.72, 0.13, 0.06),
  ...arc(8, 0.5, 0.72, 0.09, 0.02),
];

const MASK = 112;
const classes = Uint8Array.from({ length: MASK * MASK }, (_, i) => {
  const [x, y] = [(i % MASK) / MASK - 0.5, Math.floor(i / MASK) / MASK - 0.5];
  if ((x * x) / 0.13 + (y * y) / 0.2 > 1) return Math.hypot(x, y) < 0.48 && y < 0 ? 10 : 0;
  return Math.abs(x) < 0.06 && y > -0.1 && y < 0.12 ? 6 : 1;
});

function faceAt(box: Box, i: number): Face {
  const [width, height] = [box.x1 - box.x0, box.y1 - box.y0];
  const yaw = 25 * Math.sin(i);
  const [c, s] = [Math.cos((yaw * Math.PI) / 180), Math.sin((yaw * Math.PI) / 180)];
  const embedding = Float32Array.from({ length: 512 }, (_, at) => Math.sin((i + 1) * at));
  const length = Math.hypot(...embedding);
  return {
    box,
    detected: box,
    score: 0.99,
    source: 'detector',
    landmarks: SHAPE.map(({ x, y }) => ({ x: box.x0 + x * width, y: box.y0 + y * height })),
    segmentation: {
      width: MASK,
      height: MASK,
      classes,
      labels: PARSING.map(({ name }) => name),
      palette: PARSING.map(({ colour }) => colour),
    },
    headpose: {
      pitch: 4,
      yaw,
      roll: -2,
      radians: { pitch: 0.07, yaw: (yaw * Math.PI) / 180, roll: -0.03 },
      matrix: [c, 0, s, 0, 1, 0, -s, 0, c],
    },
    attributes: Object.fromEntries(
      ATTRIBUTES.map((name, at) => [name, { probability: ((at * 37 + 11 * i) % 100) / 100, value: (at * 37 + 11 * i) % 100 >= 50 }]),
    ) as Face['attributes'] & object,
    visibility: Array.from({ length: 29 }, (_, index) => ({ index, occluded: index % 4 === 0, probability: index % 4 === 0 ? 0.9 : 0.1 })),
    age: { ...choice(AGES, 2 + i), years: 25 + 4 * i },
    gender: choice(['male', 'female'] as const, i),
    race: choice(RACES, i),
    expression: choice(EXPRESSIONS, 3 + i),
    recognition: { embedding: embedding.map((value) => value / length) },
  };
}

const PAPERS: readonly string[] = ['expression', 'recognition'];

/** `trained=1` in the address says that the results mean something, `broken=1` that there is no GPU, `slow=N` how many milliseconds a call takes. */
export async function loadEngine(kind: Kind, signal: AbortSignal): Promise<Loaded> {
  const settings = new URLSearchParams(location.search);
  sayState('Loading', 'loading');
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (settings.has('broken')) throw new FaceXFormerError('NO_ADAPTER', 'The browser has WebGPU but gave no GPU.');
  if (signal.aborted) throw new FaceXFormerError('ABORTED', 'aborted');
  const known = TASKS.filter((task) => kind === 'paper' || !PAPERS.includes(task));
  const analyze: DemoEngine['analyze'] = async (picture, { tasks = known, box, boxes } = {}) => {
    // A frame is the caller's, who may close it as soon as the call is made.
    const image = (picture instanceof Blob ? await createImageBitmap(picture) : picture) as VideoFrame & ImageBitmap;
    const [width, height] = [image.displayWidth ?? image.width, image.displayHeight ?? image.height];
    await new Promise((resolve) => setTimeout(resolve, Number(settings.get('slow') ?? 80)));
    const places =
      box || boxes ? ([box ?? boxes].flat() as Box[]) : width > height ? eight(width, height) : [{ x0: 150, y0: 30, x1: 300, y1: 230 }];
    const faces = places.map((place, i) => {
      const face = faceAt(place, i);
      for (const task of TASKS) if (!tasks.includes(task) || !known.includes(task)) delete face[task];
      return face;
    });
    return { faces, width, height, timings: { decode: 1, detect: 12, upload: 1, encode: 1, run: 34, total: 49 } } as unknown as Analysis;
  };
  return {
    engine: { tasks: known, about: `${known.length} tasks (${kind} form), made up`, analyze, dispose: () => {} },
    trained: settings.has('trained'),
  };
}

const eight = (width: number, height: number): Box[] =>
  Array.from({ length: 8 }, (_, i) => {
    const [x, y] = [((i % 4) + 0.5) * (width / 4), (Math.floor(i / 4) + 0.5) * (height / 2)];
    return { x0: Math.round(x - 60), y0: Math.round(y - 75), x1: Math.round(x + 60), y1: Math.round(y + 75) };
  });
