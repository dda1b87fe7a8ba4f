/** The page: a picture or the camera in, faces out. Everything runs here; nothing is sent anywhere. */
import { type Face, FaceXFormerError, faceToJson, Gallery, type Task } from '../src/index.ts';
import { cameras, closeCamera, type FaceSession, followFaces, openCamera, type TrackedFace } from '../src/video/index.ts';
import { KINDS, type Kind } from '../tools/networks.ts';
import { byId, download, make, onDrop, sayState, showBar } from '../tools/page/dom.ts';
import { clearFaults, showFault } from '../tools/page/faults.ts';
import { boxFault } from './box.ts';
import { sentenceOf, showCards } from './cards.ts';
import { type Loaded, loadEngine } from './engine.ts';
import { Stage } from './stage.ts';

const stage = new Stage(() => void analyse());
const gallery = new Gallery();
const camera = document.createElement('video');
camera.muted = true;
camera.playsInline = true;

/** What gets analysed: the file itself, so that its pixels are read exactly, or the camera. */
let source: Blob | ImageBitmap | HTMLVideoElement | undefined;
/** Counts what was opened, so that a slow picture does not take a later one's place. */
let opened = 0;
let sourceName = 'face';
let loading: Promise<Loaded | undefined> = Promise.resolve(undefined);
let loadSignal = new AbortController();
/** Why there is no engine. */
let loadFault: unknown;
let running: AbortController | undefined;
let faces: readonly Face[] = [];
let trained: boolean | undefined;
let known: readonly Task[] = [];
let session: FaceSession | undefined;
let pictures: readonly File[] = [];

/** Loads the engine of a network; the one before goes. */
function load(kind: Kind): void {
  loadSignal.abort();
  loadSignal = new AbortController();
  const { signal } = loadSignal;
  const before = loading;
  sayState('Starting', 'loading');
  showBar('unknown');
  loading = (async () => {
    (await before)?.engine.dispose();
    if (signal.aborted) return undefined;
    try {
      const loaded = await loadEngine(kind, signal);
      byId('untrained', HTMLElement).hidden = loaded.trained !== false;
      trained = loaded.trained;
      known = loaded.engine.tasks;
      sayState(`Ready: ${loaded.engine.about}`, 'ready');
      showTasks(known);
      return loaded;
    } catch (error) {
      if (!signal.aborted) {
        sayState('No engine', 'failed');
        loadFault = error;
        showFault(error);
      }
      return undefined;
    } finally {
      if (!signal.aborted) showBar('none');
    }
  })();
}

/** The tasks that are not left out; undefined for all. */
function tasksAsked(): Task[] | undefined {
  const boxes = [...document.querySelectorAll<HTMLInputElement>('#tasks input')];
  const asked = boxes.filter(({ checked }) => checked).map(({ name }) => name as Task);
  return asked.length === boxes.length || asked.length === 0 ? undefined : asked;
}

function showTasks(tasks: readonly Task[]): void {
  const set = byId('tasks', HTMLFieldSetElement);
  set.hidden = tasks.length === 0;
  const labels = tasks.map((task) =>
    make('label', '', Object.assign(make('input'), { type: 'checkbox', name: task, checked: true }), task),
  );
  set.replaceChildren(set.querySelector('legend') ?? '', ...labels);
}

/** Analyses the picture that is shown; a newer call takes the place of one under way. */
async function analyse(): Promise<void> {
  running?.abort();
  if (source === camera) return follow();
  if (!source) return;
  const picture = source;
  const mine = new AbortController();
  running = mine;
  const busy = byId('results', HTMLElement);
  busy.setAttribute('aria-busy', 'true');
  let clock: ReturnType<typeof setInterval> | undefined;
  try {
    const wrong = stage.finds ? undefined : boxFault(stage.box, stage.whole);
    if (wrong !== undefined) throw new FaceXFormerError('BAD_BOX', wrong);
    say('Waiting for the engine');
    const loaded = await loading;
    if (mine.signal.aborted) return;
    if (!loaded) throw loadFault;
    clearFaults();
    showBar('unknown');
    clock = startClock();
    const start = performance.now();
    const tasks = tasksAsked();
    const place = stage.finds ? { maxFaces: 8 } : { box: stage.box };
    const result = await loaded.engine.analyze(picture, { ...place, ...(tasks && { tasks }), signal: mine.signal });
    if (mine.signal.aborted) return;
    showFaces(result.faces);
    const time = performance.now() - start;
    const stages = stage.finds ? `: ${stagesOf(result.timings)}` : '';
    say(
      result.faces.length > 0
        ? `Analysed in ${duration(time)}${stages}.`
        : 'No face was found. Drag a box about one, or take the whole picture.',
    );
  } catch (error) {
    if (mine.signal.aborted || (error instanceof FaceXFormerError && error.code === 'ABORTED')) return;
    forgetFaces();
    showFault(error);
  } finally {
    clearInterval(clock);
    if (running === mine) {
      running = undefined;
      busy.setAttribute('aria-busy', 'false');
      showBar('none');
    }
  }
}

const duration = (milliseconds: number): string =>
  milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

/** What the time went to; nothing of the network where there is none. */
const stagesOf = ({ detect, run }: { detect: number; run: number }): string =>
  `finding faces ${duration(detect)}${known.length > 0 ? `, the network ${duration(run)}` : ''}`;

/** Follows the faces of the video that is shown. */
async function follow(): Promise<void> {
  session?.stop();
  say('Waiting for the engine');
  const loaded = await loading;
  if (!loaded || source !== camera) return;
  clearFaults();
  const tasks = tasksAsked();
  const mine = followFaces(loaded.engine, camera, {
    maxFaces: 8,
    ...(tasks && { tasks }),
    onFault: showFault,
    onResult({ faces: found, fps, age, timings }) {
      showFaces(found);
      const stages = timings ? `, ${stagesOf(timings)}` : '';
      const ids = found.map((face) => (face as TrackedFace).id).join(' ');
      say(`${fps.toFixed(1)} results a second, ${duration(age)} old${stages}. Faces: ${ids || 'none'}.`);
    },
  });
  session = mine;
  const draw = () => {
    if (session !== mine) return;
    const now = mine.next();
    if (now.length > 0) stage.faces = now;
    stage.draw();
    requestAnimationFrame(draw);
  };
  draw();
  const { reason, error } = await mine.ended;
  if (session !== mine) return;
  session = undefined;
  if (reason === 'failed') showFault(error);
  if (reason !== 'stopped') await stopCamera();
}

function showFaces(found: readonly Face[]): void {
  const id = (face: Face | undefined) => (face as Partial<TrackedFace> | undefined)?.id;
  const before = id(faces[stage.chosen]);
  const same = before === undefined ? stage.chosen : found.findIndex((face) => id(face) === before);
  faces = stage.faces = found;
  stage.chosen = same >= 0 && same < found.length ? same : 0;
  showChosen();
  for (const name of ['json', 'png']) byId(name, HTMLButtonElement).disabled = found.length === 0;
}

/** The chosen face's cards, and a button for each. */
function showChosen(): void {
  stage.draw();
  const face = faces[stage.chosen];
  const people = byId('people', HTMLElement);
  people.hidden = faces.length < 2;
  const names = faces.map((one, i) => `Face ${(one as Partial<TrackedFace>).id ?? i + 1}`);
  if (names.join() !== [...people.children].map(({ textContent }) => textContent).join())
    people.replaceChildren(
      ...names.map((name, i) => {
        const button = make('button', '', name);
        button.type = 'button';
        button.addEventListener('click', () => stage.onChoice(i));
        return button;
      }),
    );
  for (const [i, button] of [...people.children].entries()) button.setAttribute('aria-pressed', String(i === stage.chosen));
  if (face) showCards({ face, all: faces, gallery, tasks: known, trained });
  else byId('results', HTMLElement).replaceChildren();
  byId('view', HTMLCanvasElement).setAttribute('aria-label', face ? `The picture. ${sentenceOf(face)}` : 'The picture');
}

/** Takes away what was found, which is not of what is shown now. */
function forgetFaces(): void {
  faces = stage.faces = [];
  stage.draw();
  stage.chosen = 0;
  say('');
  showChosen();
  for (const id of ['json', 'png']) byId(id, HTMLButtonElement).disabled = true;
}

function say(text: string): void {
  byId('status', HTMLElement).textContent = text;
}

/** Says that work goes on, with the seconds, which are not read aloud. */
function startClock(): ReturnType<typeof setInterval> {
  const since = performance.now();
  const seconds = make('span');
  seconds.setAttribute('aria-hidden', 'true');
  byId('status', HTMLElement).replaceChildren('Analysing', seconds);
  return setInterval(() => {
    seconds.textContent = `, ${((performance.now() - since) / 1000).toFixed(0)} s`;
  }, 500);
}

async function openPicture(blob: Blob, name: string): Promise<void> {
  const mine = ++opened;
  const image = await createImageBitmap(blob).catch((cause: unknown) => {
    if (mine === opened) showFault(new FaceXFormerError('BAD_PICTURE', `${name} is not a picture that this browser can read.`, { cause }));
  });
  if (!image || mine !== opened) return image?.close();
  await stopCamera();
  source = blob;
  sourceName = name.replace(/\.\w+$/, '');
  forgetFaces();
  stage.show({ image, width: image.width, height: image.height });
  byId('view', HTMLCanvasElement).dataset['name'] = sourceName;
  await analyse();
}

async function startCamera(): Promise<void> {
  const mine = ++opened;
  let stream: MediaStream | undefined;
  try {
    const choice = byId('cameras', HTMLSelectElement).value;
    stream = await openCamera(choice === '' || choice === 'environment' ? { facing: choice || 'user' } : { id: choice });
    if (mine !== opened) return closeCamera(stream);
    camera.srcObject = stream;
    await camera.play();
    void listCameras();
  } catch (error) {
    if (mine === opened) {
      await stopCamera();
      showFault(error);
    }
    return;
  }
  if (mine === opened) showVideo('camera');
  else if (camera.srcObject === stream) await stopCamera();
}

/** By name, which the page is told once it may use one. */
async function listCameras(): Promise<void> {
  const select = byId('cameras', HTMLSelectElement);
  const named = (await cameras()).filter(({ label }) => label);
  const known = new Set([...select.options].map(({ value }) => value));
  select.append(
    ...named.filter(({ id }) => !known.has(id)).map(({ id, label }) => Object.assign(make('option'), { value: id, textContent: label })),
  );
}

async function openVideo(file: File): Promise<void> {
  const mine = ++opened;
  await stopCamera();
  const address = URL.createObjectURL(file);
  camera.src = address;
  try {
    await camera.play();
    // Of what it cannot decode it may play the sound.
    if (camera.videoWidth === 0) throw new Error('it has no pictures, or of a kind that is not decoded');
    if (mine === opened) return showVideo(file.name.replace(/\.\w+$/, ''));
  } catch (cause) {
    if (mine === opened)
      showFault(new FaceXFormerError('BAD_PICTURE', `${file.name} is not a video that this browser can show.`, { cause }));
  }
  if (camera.src === address) await stopCamera(); // unless it is another's by now
}

function showVideo(name: string): void {
  running?.abort();
  showCamera(true, name);
  source = camera;
  sourceName = name;
  forgetFaces();
  stage.show({ image: camera, width: camera.videoWidth, height: camera.videoHeight });
  void follow();
}

/** Ends the camera or the video; its last frame stays as the picture, with its faces. */
async function stopCamera(): Promise<void> {
  session?.stop();
  session = undefined;
  const stream = camera.srcObject as MediaStream | null;
  const { videoWidth: width, videoHeight: height } = camera;
  if (source === camera && camera.readyState >= 2 && width > 0) {
    const drawn = new OffscreenCanvas(width, height); // a bitmap of a phone's video lies on its side in Firefox
    drawn.getContext('2d')?.drawImage(camera, 0, 0, width, height);
    const image = drawn.transferToImageBitmap();
    source = image;
    say('The video is off; this is its last frame.');
    stage.replace({ image, width: image.width, height: image.height });
  }
  if (stream) closeCamera(stream);
  camera.srcObject = null;
  if (camera.src) {
    URL.revokeObjectURL(camera.src);
    camera.removeAttribute('src');
  }
  showCamera(false);
}

function showCamera(on: boolean, name = 'camera'): void {
  const button = byId('camera', HTMLButtonElement);
  button.setAttribute('aria-pressed', String(on));
  button.textContent = on ? `Stop the ${name === 'camera' ? name : 'video'}` : 'Use the camera';
}

/** Opens what was chosen, dropped or pasted: the first of it, with a button for each where there are several. */
function openFiles(files: readonly File[]): void {
  if (files.length === 0) return; // what was pasted is text
  const [first] = files.filter(({ type }) => /^(image|video)\//.test(type));
  pictures = files.length > 1 ? files : [];
  const row = byId('pictures', HTMLElement);
  row.hidden = pictures.length === 0;
  row.replaceChildren(
    ...pictures.map((file) => {
      const button = make('button', '', file.name);
      button.type = 'button';
      button.addEventListener('click', () => openFile(file));
      return button;
    }),
  );
  const file = first ?? files[0];
  if (file) openFile(file);
}

function openFile(file: File): void {
  for (const [i, button] of [...byId('pictures', HTMLElement).children].entries())
    button.setAttribute('aria-pressed', String(pictures[i] === file));
  void (file.type.startsWith('video/') ? openVideo(file) : openPicture(file, file.name));
}

async function openSample(): Promise<void> {
  const mine = ++opened;
  try {
    const answer = await fetch('./astronaut.png');
    if (!answer.ok) throw new Error(`astronaut.png: the server answered ${answer.status}.`);
    const sample = await answer.blob();
    if (mine === opened) await openPicture(sample, 'astronaut.png');
  } catch (error) {
    if (mine === opened) showFault(error);
  }
}

/** A parsing class whose row is pointed at is drawn alone. */
function lightClasses(): void {
  const results = byId('results', HTMLElement);
  const light = (target: EventTarget | null) => {
    const row =
      target instanceof Element ? target.closest('[data-task=segmentation] .bars > div, [data-task=segmentation] .bars dt') : null;
    const label = row?.closest('.bars > div')?.querySelector('dt')?.textContent ?? undefined;
    if (label === stage.lit) return;
    stage.lit = label as typeof stage.lit;
    stage.draw();
  };
  results.addEventListener('pointerover', ({ target }) => light(target));
  results.addEventListener('pointerleave', () => light(null));
}

function listen(): void {
  const input = byId('file', HTMLInputElement);
  input.addEventListener('change', () => {
    openFiles([...(input.files ?? [])]);
    input.value = '';
  });
  byId('sample', HTMLButtonElement).addEventListener('click', () => void openSample());
  lightClasses();
  stage.onChoice = (index) => {
    stage.chosen = index;
    showChosen();
  };
  byId('camera', HTMLButtonElement).addEventListener('click', () => void (source === camera ? stopCamera() : startCamera()));
  onDrop((data) => openFiles([...(data?.files ?? [])]));
  addEventListener('paste', ({ clipboardData }) => openFiles([...(clipboardData?.files ?? [])]));
  byId('json', HTMLButtonElement).addEventListener('click', () => {
    const text = JSON.stringify({ faces: faces.map(faceToJson) });
    download(`${sourceName}.json`, new Blob([text], { type: 'application/json' }));
  });
  byId('png', HTMLButtonElement).addEventListener('click', async () => download(`${sourceName}-faces.png`, await stage.png()));
}

const form = byId('form', HTMLSelectElement);
const asked = new URLSearchParams(location.search).get('form');
form.value = KINDS.find((kind) => kind === asked) ?? 'released';
form.addEventListener('change', () => {
  load(form.value as Kind);
  void analyse();
});
listen();
load(form.value as Kind);
void openSample();
