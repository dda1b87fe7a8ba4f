/** The page: settings in the address and the form, a run and its report, results to share, and results side by side. */

import { FaceXFormerError, TASKS } from '../../src/index.ts';
import { byId, download, make, onDrop, sayState, showBar } from '../../tools/page/dom.ts';
import { clearFaults } from '../../tools/page/faults.ts';
import { Comparison } from './comparison.ts';
import { machineHere } from './device.ts';
import { addFault, say } from './faults.ts';
import { type Ahead, forecast } from './forecast.ts';
import { adapterTitle } from './format.ts';
import { runBench } from './measure.ts';
import { offers } from './peers/peers.ts';
import { references } from './references.ts';
import { showResult } from './report.ts';
import type { BenchResult } from './result.ts';
import { PEERS, readSettings, type Settings, writeSettings } from './settings.ts';
import { shareAddress, sharedResult } from './share.ts';

declare global {
  /** The result of the last run, or why there is none; undefined until then. For whoever drives the page. */
  var __result: BenchResult | { readonly error: { readonly code: string; readonly message: string } } | undefined;
  /** Given by whoever drives the page: hears what is being done. */
  var reportProgress: ((progress: { phase: string; loaded: number; total: number }) => Promise<void>) | undefined;
}

const form = byId('settings', HTMLFormElement);
const report = byId('report', HTMLElement);
const comparison = new Comparison();
let running: AbortController | undefined;
let result: BenchResult | undefined;
/** The weights that the address names; the form has no field for them. */
let weights = '';
/** What a run would run on; undefined where there is nothing. */
let ahead: Ahead | undefined;

const field = (name: string): HTMLInputElement | HTMLSelectElement => {
  const found = form.elements.namedItem(name);
  if (found instanceof HTMLInputElement || found instanceof HTMLSelectElement) return found;
  throw new Error(`the form has no ${name}`);
};
const checked = (group: string): string =>
  [...form.querySelectorAll<HTMLInputElement>(`#${group} input:checked`)].map(({ name }) => name).join(',');

function fillForm(settings: Settings): void {
  weights = settings.weights;
  for (const name of ['form', 'encoder', 'dtype', 'batch', 'seed'] as const) field(name).value = String(settings[name]);
  for (const name of ['side', 'frames'] as const) field(name).value = settings[name] === 0 ? '' : String(settings[name]);
  for (const group of ['tasks', 'peers'] as const)
    for (const box of form.querySelectorAll<HTMLInputElement>(`#${group} input`))
      box.checked = (settings[group] as readonly string[]).includes(box.name);
}

/** What the form says, read as an address would be. */
function formSettings(): Settings {
  const query = new URLSearchParams();
  for (const name of ['form', 'encoder', 'side', 'dtype', 'batch', 'frames', 'seed'])
    if (field(name).value !== '') query.set(name, field(name).value);
  query.set('tasks', checked('tasks'));
  query.set('peers', checked('peers'));
  if (weights !== '') query.set('weights', weights);
  const { settings, faults } = readSettings(query.toString());
  for (const fault of faults) say('setting', fault);
  return settings;
}

/** Says what a run would do, and for how long. */
function showForecast(): void {
  byId('forecast', HTMLElement).textContent = ahead
    ? forecast(formSettings(), ahead)
    : 'A run needs WebGPU and an adapter for it, and there is none here.';
}

function progress(phase: string, part?: number): void {
  byId('status', HTMLElement).textContent = phase;
  if (running) showBar(part ?? 'unknown'); // a call that was under way when the run failed may still report
  void globalThis.reportProgress?.({ phase, loaded: part ?? 0, total: part === undefined ? 0 : 1 });
}

function setBusy(busy: boolean): void {
  showBar(busy ? 'unknown' : 'none');
  byId('run', HTMLButtonElement).disabled = busy;
  byId('stop', HTMLButtonElement).hidden = !busy;
  for (const id of ['download', 'share']) byId(id, HTMLButtonElement).disabled = busy || result === undefined;
  form.querySelector('fieldset')?.toggleAttribute('disabled', busy);
}

function show(part: Partial<BenchResult>): void {
  byId('example', HTMLElement).hidden = true;
  byId('untrained', HTMLElement).hidden = part.notice === undefined;
  if (part.notice) byId('notice', HTMLElement).textContent = part.notice;
  showResult(report, part);
}

async function run(): Promise<void> {
  if (running) return;
  clearFaults();
  running = new AbortController();
  const settings = formSettings();
  globalThis.__result = undefined;
  setBusy(true);
  sayState('Running', 'loading');
  try {
    const found = await runBench(settings, { signal: running.signal, say: progress, onPart: show });
    result = found;
    comparison.add('this page', found);
    sayState(`Done on ${adapterTitle(found.machine)}`, 'ready');
    progress('');
    globalThis.__result = found;
  } catch (error) {
    const stopped = error instanceof FaceXFormerError && error.code === 'ABORTED';
    sayState(stopped ? 'Stopped' : 'Failed', 'failed');
    progress(stopped ? 'Stopped. What was measured until then is below.' : '');
    if (!stopped) addFault(error);
    const code = error instanceof FaceXFormerError ? error.code : 'ERROR';
    globalThis.__result = { error: { code, message: error instanceof Error ? error.message : String(error) } };
  } finally {
    running = undefined;
    setBusy(false);
  }
}

/** What a result looks like, of another machine. */
function showExample(example: BenchResult): void {
  show(example);
  byId('example', HTMLElement).hidden = false;
  byId('example', HTMLElement).textContent =
    `An example, of another machine: ${adapterTitle(example.machine)}, ${example.date.slice(0, 10)}. Run measures this one.`;
}

/** The result as it was shared; its settings go into the form. */
function take(shared: BenchResult, name: string): void {
  result = shared;
  fillForm(shared.settings);
  show(shared);
  comparison.add(name, shared);
  sayState(`A shared result: ${adapterTitle(shared.machine)}`, 'ready');
  setBusy(false);
}

async function share(): Promise<void> {
  const { address, whole } = await shareAddress(location.href, writeSettings(result?.settings ?? formSettings()), result);
  history.replaceState(null, '', address);
  const copied = await navigator.clipboard.writeText(address).then(
    () => 'is in the clipboard and the address bar',
    () => 'is in the address bar',
  );
  byId('status', HTMLElement).textContent =
    `A link with ${whole ? 'the settings and the results' : 'the settings; the results are too long for one'} ${copied}.`;
}

function openTab(name: 'measure' | 'compare'): void {
  for (const id of ['measure', 'compare'] as const) {
    byId(id, HTMLElement).hidden = id !== name;
    byId(`tab-${id}`, HTMLButtonElement).setAttribute('aria-pressed', String(id === name));
  }
}

function fileName({ machine, date }: BenchResult): string {
  const words = `${adapterTitle(machine)} ${date.slice(0, 16)}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `bench-${words.replace(/^-|-$/g, '')}.json`;
}

async function fillChoices(): Promise<void> {
  const choice = (name: string, title = '') => {
    const box = Object.assign(make('input'), { type: 'checkbox', name });
    const label = make('label', '', box, name);
    label.title = title;
    return label;
  };
  byId('tasks', HTMLElement).append(...TASKS.map((task) => choice(task)));
  const found = await offers();
  byId('peers', HTMLElement).append(
    ...PEERS.map((peer) => {
      const offer = found.find((one) => one.peer === peer);
      const label = choice(peer, offer ? offer.version : 'not installed');
      if (!offer) {
        label.classList.add('absent');
        (label.firstElementChild as HTMLInputElement).disabled = true;
      }
      return label;
    }),
  );
}

function listen(): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  form.addEventListener('change', () => {
    const query = writeSettings(formSettings());
    history.replaceState(null, '', query === '' ? location.pathname : `?${query}`);
    showForecast();
  });
  byId('stop', HTMLButtonElement).addEventListener('click', () => running?.abort());
  byId('share', HTMLButtonElement).addEventListener('click', () => void share());
  byId('download', HTMLButtonElement).addEventListener('click', () => {
    if (result) download(fileName(result), new Blob([`${JSON.stringify(result, null, 1)}\n`], { type: 'application/json' }));
  });
  for (const name of ['measure', 'compare'] as const) byId(`tab-${name}`, HTMLButtonElement).addEventListener('click', () => openTab(name));
  onDrop((data) => {
    openTab('compare');
    void comparison.take([...(data?.files ?? [])]);
  });
}

async function begin(): Promise<void> {
  const { settings, start, faults } = readSettings(location.search);
  await fillChoices();
  fillForm(settings);
  for (const fault of faults) say('setting', fault);
  listen();
  setBusy(false);
  sayState('Ready', 'ready');
  if (start.compare) openTab('compare');
  const others = await references();
  for (const { name, part } of others) comparison.add(name, part);
  const example = others[0]?.part as BenchResult | undefined;
  const told = machineHere().then((machine) => {
    ahead = machine && { title: adapterTitle(machine), software: machine.adapter.software, example };
  });
  void told.catch(() => {}).then(showForecast); // a run does not wait for it
  try {
    const shared = await sharedResult(location.hash);
    if (shared) return take(shared, 'shared');
  } catch (error) {
    say('shared result', `It could not be opened: ${error instanceof Error ? error.message : error}.`);
  }
  if (start.auto) await run();
  else if (example && !running) showExample(example);
}

void begin();
