/** The page: a picture or the camera in, faces out. Everything runs here; nothing is sent anywhere. */
import { type Box, type Face, FaceXFormerError, type Form, faceToJson, Gallery } from '../src/index.ts';
import { byId, download, make, onDrop, sayState, showBar } from '../tools/page/dom.ts';
import { clearFaults, showFault } from '../tools/page/faults.ts';
import { boxFault } from './box.ts';
import { showCards } from './cards.ts';
import { type Loaded, loadEngine } from './engine.ts';
import { Stage } from './stage.ts';

/** The sample's face with room around it. */
const SAMPLE_BOX: Box = { x0: 157, y0: 37, x1: 293, y1: 229 };

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

/** Loads the engine of a form; the one before goes. */
function load(form: Form): void {
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
      const loaded = await loadEngine(form, signal);
      byId('untrained', HTMLElement).hidden = loaded.trained;
      const { adapter, form: found } = loaded.engine.info;
      const name = adapter.description || [adapter.vendor, adapter.architecture].filter(Boolean).join(' ') || 'GPU';
      sayState(`Ready: ${loaded.engine.tasks.length} tasks (${found} form) on ${name}`, 'ready');
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

/** Analyses what is shown; a newer call takes the place of one under way. */
async function analyse(): Promise<void> {
  running?.abort();
  if (!source) return;
  const mine = new AbortController();
  running = mine;
  const busy = byId('results', HTMLElement);
  const live = source === camera;
  if (!live) busy.setAttribute('aria-busy', 'true');
  let clock: ReturnType<typeof setInterval> | undefined;
  try {
    const wrong = boxFault(stage.box, stage.whole);
    if (wrong !== undefined) throw new FaceXFormerError('BAD_BOX', wrong);
    if (!live) say('Waiting for the engine');
    const loaded = await loading;
    if (mine.signal.aborted) return;
    if (!loaded) throw loadFault;
    clearFaults();
    if (!live) {
      showBar('unknown');
      clock = startClock();
    }
    const start = performance.now();
    const { engine } = loaded;
    const result = await engine.analyze(source, { box: stage.box ?? 'whole', signal: mine.signal });
    if (mine.signal.aborted) return;
    showFaces(result.faces, performance.now() - start);
  } catch (error) {
    if (mine.signal.aborted || (error instanceof FaceXFormerError && error.code === 'ABORTED')) return;
    forgetFaces();
    showFault(error);
    if (live) await stopCamera();
  } finally {
    clearInterval(clock);
    if (running === mine) {
      running = undefined;
      busy.setAttribute('aria-busy', 'false');
      if (!live) showBar('none');
    }
  }
}

function showFaces(found: readonly Face[], milliseconds: number): void {
  faces = stage.faces = found;
  stage.draw();
  const time = milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
  say(`Analysed in ${time}.`);
  const [face] = found;
  if (face) showCards(face, gallery);
  const label = [face?.age && `age ${face.age.label}`, face?.gender?.label, face?.expression?.label].filter(Boolean).join(', ');
  byId('view', HTMLCanvasElement).setAttribute('aria-label', label ? `The picture with a face: ${label}` : 'The picture');
  for (const id of ['json', 'png']) byId(id, HTMLButtonElement).disabled = !face;
}

/** Takes away what was found, which is not of what is shown now. */
function forgetFaces(): void {
  faces = stage.faces = [];
  stage.draw();
  say('');
  byId('results', HTMLElement).replaceChildren();
  byId('view', HTMLCanvasElement).setAttribute('aria-label', 'The picture');
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

async function openPicture(blob: Blob, name: string, box?: Box): Promise<void> {
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
  if (box) stage.box = box;
  await analyse();
}

async function startCamera(): Promise<void> {
  const mine = ++opened;
  try {
    if (!navigator.mediaDevices) throw new FaceXFormerError('BAD_PICTURE', 'This page has no camera: it needs https or localhost.');
    camera.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width: { ideal: 1280 } } });
    await camera.play();
  } catch (error) {
    await stopCamera();
    showFault(error);
    return;
  }
  if (mine !== opened) return stopCamera();
  showCamera(true);
  source = camera;
  sourceName = 'camera';
  forgetFaces();
  say('Waiting for the engine');
  stage.show({ image: camera, width: camera.videoWidth, height: camera.videoHeight });
  const draw = () => {
    if (source !== camera) return;
    stage.draw();
    camera.requestVideoFrameCallback(draw);
  };
  draw();
  while (source === camera) {
    await analyse();
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

/** Ends the camera; its last frame stays as the picture, with its faces. */
async function stopCamera(): Promise<void> {
  const tracks = (camera.srcObject as MediaStream | null)?.getTracks() ?? [];
  if (source === camera) {
    running?.abort();
    const image = await createImageBitmap(camera);
    source = image;
    say('The camera is off; this is its last frame.');
    stage.replace({ image, width: image.width, height: image.height });
  }
  for (const track of tracks) track.stop();
  camera.srcObject = null;
  showCamera(false);
}

function showCamera(on: boolean): void {
  const button = byId('camera', HTMLButtonElement);
  button.setAttribute('aria-pressed', String(on));
  button.textContent = on ? 'Stop the camera' : 'Use the camera';
}

/** Opens the first picture of what was dropped or pasted; a first file that is none is said to be none. */
function openFirst(data: DataTransfer | null): void {
  const file = [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/')) ?? data?.files[0];
  if (file) void openPicture(file, file.name);
}

function listen(): void {
  const input = byId('file', HTMLInputElement);
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (file) void openPicture(file, file.name);
    input.value = '';
  });
  byId('sample', HTMLButtonElement).addEventListener('click', async () => {
    try {
      const answer = await fetch('./astronaut.png');
      if (!answer.ok) throw new Error(`astronaut.png: the server answered ${answer.status}.`);
      await openPicture(await answer.blob(), 'astronaut.png', SAMPLE_BOX);
    } catch (error) {
      showFault(error);
    }
  });
  byId('camera', HTMLButtonElement).addEventListener('click', () => void (source === camera ? stopCamera() : startCamera()));
  onDrop(openFirst);
  addEventListener('paste', ({ clipboardData }) => openFirst(clipboardData));
  byId('json', HTMLButtonElement).addEventListener('click', () => {
    const text = JSON.stringify({ faces: faces.map(faceToJson) });
    download(`${sourceName}.json`, new Blob([text], { type: 'application/json' }));
  });
  byId('png', HTMLButtonElement).addEventListener('click', async () => download(`${sourceName}-faces.png`, await stage.png()));
}

const form = byId('form', HTMLSelectElement);
form.value = new URLSearchParams(location.search).get('form') === 'paper' ? 'paper' : 'released';
form.addEventListener('change', () => {
  load(form.value as Form);
  void analyse();
});
listen();
load(form.value as Form);
