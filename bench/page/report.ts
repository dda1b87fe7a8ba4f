/** A result, or as much of it as there is yet, as cards. */
import { make } from '../../tools/page/dom.ts';
import { correctnessCard, kernelCard, loadCard, roofCard } from './cards.ts';
import { browserTitle, worstOf } from './compare.ts';
import { adapterTitle, bytesText, milliseconds, weightsTitle } from './format.ts';
import { card, list, note, type Part, table } from './pieces.ts';
import { latencyPlot } from './plots.ts';
import { isSkipped, type PeerResult, type Series } from './result.ts';

const frames = (fps: number): string => (fps < 9.995 ? fps.toFixed(2) : fps.toFixed(1));

/** Whether the numbers are a GPU's at all. */
function verdict({ machine }: Part): HTMLElement | undefined {
  if (!machine) return undefined;
  const title = adapterTitle(machine);
  return make(
    'p',
    'answer verdict',
    machine.adapter.software ? `${title}: a software adapter, not a GPU. These are a CPU’s times.` : title,
  );
}

/** The few numbers that a run is about. */
function tiles({ first, serial, pipelined, video, detection, load, correctness, settings }: Part): HTMLElement {
  const tile = (value: string, label: string, small = '') =>
    make(
      'div',
      'tile',
      make('p', 'answer', value),
      make('p', 'note', label, ...(small ? [make('br'), small.replaceAll(/(?<=\d) (?=m?s|µs)/g, '\u00a0')] : [])),
    );
  const made: HTMLElement[] = [];
  const batch = settings?.batch ?? 1;
  if (serial)
    made.push(
      tile(
        milliseconds(serial.latency.p50),
        'a call, p50',
        `p95 ${milliseconds(serial.latency.p95)}, p99 ${milliseconds(serial.latency.p99)}`,
      ),
    );
  if (pipelined)
    made.push(
      tile(
        frames(pipelined.fps),
        'calls a second, pipelined',
        batch > 1 ? `${frames(batch * pipelined.fps)} faces a second` : `${pipelined.inFlight} in flight`,
      ),
    );
  if (serial)
    made.push(
      tile(
        frames(serial.fps),
        'calls a second, serial',
        batch > 1 ? `${frames(batch * serial.fps)} faces a second` : 'one after the other',
      ),
    );
  if (video && !isSkipped(video))
    made.push(tile(frames(video.fps), 'video frames a second', `of ${frames((1000 * video.presented) / video.total)} shown`));
  if (detection) {
    const where = `${detection.faces} faces found in ${detection.width} x ${detection.height}`;
    made.push(tile(milliseconds(detection.serial.latency.p50), 'detection', where));
  }
  if (first !== undefined) made.push(tile(milliseconds(first), 'first frame', load ? `after a load of ${milliseconds(load.total)}` : ''));
  const worst = correctness && !isSkipped(correctness) ? worstOf(correctness.nmse) : undefined;
  if (worst) made.push(tile(worst.nmse.toExponential(1), 'worst NMSE', `${worst.output}, against float64`));
  return make('div', 'tiles', ...made);
}

function latencyCard({ serial, pipelined, video, settings }: Part): HTMLElement | undefined {
  if (!serial) return undefined;
  const shown = video && !isSkipped(video) ? video : undefined;
  const series: { name: string; series: Series }[] = [
    { name: 'serial', series: serial },
    ...(pipelined ? [{ name: `pipelined, ${pipelined.inFlight} in flight`, series: pipelined }] : []),
    ...(shown ? [{ name: 'video', series: shown }] : []),
  ];
  const rows = series.map(({ name, series: { samples, latency, fps } }) => [
    name,
    String(samples.length),
    ...[latency.least, latency.p50, latency.p95, latency.p99, latency.most].map(milliseconds),
    frames(fps),
    frames(fps * (settings?.batch ?? 1)),
  ]);
  const made = card(
    'latency',
    'Latency',
    latencyPlot(series),
    table(['', 'calls', 'least', 'p50', 'p95', 'p99', 'most', 'calls/s', 'faces/s'], rows),
  );
  if (shown) {
    const analysed = `${shown.samples.length} of the ${shown.presented} frames shown ${shown.samples.length === 1 ? 'was' : 'were'} analysed`;
    made.append(note(`Video: ${analysed}; a result was there ${milliseconds(shown.age.p50)} after its frame was due (p50).`));
  } else if (video && isSkipped(video)) made.append(note(`Video was skipped: ${video.skipped}.`));
  return made;
}

function workCard({ plan, calls, load, settings }: Part): HTMLElement | undefined {
  if (!plan) return undefined;
  const rows: (readonly [string, string])[] = [
    ['dispatches a frame', `${plan.dispatches}, of ${plan.pipelines} pipelines`],
    ['multiply-adds', `${(plan.macs / 1e9).toFixed(2)} G`],
    ['operands moved, each once', bytesText(plan.bytes)],
    ['weights on the GPU', bytesText(plan.weightBytes)],
    ['activations', bytesText(plan.activationBytes)],
    ['read back', bytesText(plan.readbackBytes)],
  ];
  const made = card('work', 'Work and memory, by the plan', list(rows));
  if (calls)
    made.append(
      make('h3', '', `Counted, a call${(settings?.batch ?? 1) > 1 ? ` of ${settings?.batch} faces` : ''}`),
      list(Object.entries(calls).map(([name, count]) => [CALLS[name] ?? name, Number.isInteger(count) ? String(count) : count.toFixed(2)])),
    );
  if (load && load.pipelines > plan.pipelines)
    made.append(note('Beyond the plan a frame has its stamp, which proves that it ran: a pipeline, a dispatch and a copy.'));
  return made;
}

const CALLS: Readonly<Record<string, string>> = {
  dispatches: 'dispatches',
  passes: 'compute passes',
  submits: 'submits',
  buffers: 'buffers made',
  bindGroups: 'bind groups made',
  copies: 'copies of buffers',
  maps: 'buffers mapped',
};

function peersCard({ peers, load, first, serial, tasks, correctness, settings }: Part): HTMLElement | undefined {
  if (!peers || peers.length === 0 || !serial || !load || first === undefined) return undefined;
  const batch = settings?.batch ?? 1;
  const row = (name: string, peer: Pick<PeerResult, 'load' | 'first' | 'serial' | 'nmse'>, timesAsLong: number, what: string) => [
    name,
    ...[peer.load, peer.first, peer.serial.latency.p50, peer.serial.latency.p95].map(milliseconds),
    `${timesAsLong.toFixed(2)}×`,
    worstOf(peer.nmse ?? {})?.nmse.toExponential(1) ?? '',
    what,
  ];
  const nmse = correctness && !isSkipped(correctness) ? correctness.nmse : {};
  const own = `${counted(tasks?.length ?? 0, 'task')}${batch > 1 ? `, ${batch} faces` : ''}, from the picture`;
  const rows = [row('this engine', { load: load.total, first, serial, nmse }, 1, own)];
  const skipped: HTMLElement[] = [];
  for (const peer of peers) {
    if (isSkipped(peer)) {
      skipped.push(note(`Skipped: ${peer.skipped}.`));
      continue;
    }
    const what = `${peer.note}${peer.dispatches === undefined ? '' : `, ${peer.dispatches} dispatches`} (${peer.version})`;
    rows.push(row(peer.peer, peer, (batch * peer.serial.latency.p50) / serial.latency.p50, what));
  }
  const head = ['', 'load', 'first', 'p50', 'p95', 'time a face', 'worst NMSE', 'what'];
  const made = card('peers', 'Beside other libraries', table(head, rows), ...skipped);
  made.classList.add('peers');
  return made;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function machineCard({ machine, weights, date, commit, tasks, settings }: Part): HTMLElement | undefined {
  if (!machine) return undefined;
  const rows: (readonly [string, string])[] = [
    ['adapter', adapterTitle(machine)],
    ['browser', browserTitle(machine.userAgent)],
    ['processor threads', String(machine.cores)],
    ...(weights
      ? ([
          ['weights', weightsTitle(weights)],
          ['computes in', weights.dtype],
        ] as const)
      : []),
    ...(tasks ? ([['tasks', tasks.join(', ')]] as const) : []),
    ...(settings ? ([['faces a call', String(settings.batch)]] as const) : []),
    ...(date ? ([['date', date.slice(0, 16).replace('T', ' ')]] as const) : []),
    ...(commit ? ([['commit', commit.replace(/^([0-9a-f]{12})[0-9a-f]*/, '$1')]] as const) : []),
  ];
  const limits = Object.entries(machine.limits).map(([name, value]) => [name, value.toLocaleString('en')] as const);
  return card(
    'machine',
    'Machine',
    list(rows),
    make('details', '', make('summary', '', `${machine.features.length} features`), make('p', 'note', machine.features.join(', '))),
    make('details', '', make('summary', '', 'Limits'), make('div', 'scroll', list(limits))),
    make('details', '', make('summary', '', 'User agent'), note(machine.userAgent)),
  );
}

/** Fills the element with what is known so far. */
export function showResult(holder: HTMLElement, part: Part): void {
  const open = new Set([...holder.querySelectorAll('details[open] > summary')].map((summary) => summary.textContent ?? ''));
  const of = (...cards: readonly ((part: Part) => HTMLElement | undefined)[]) =>
    cards.map((make) => make(part)).filter((made) => made !== undefined);
  holder.replaceChildren(
    ...of(verdict),
    tiles(part),
    ...of(latencyCard, peersCard, kernelCard), // their tables need the page's width
    make('div', 'half', ...of(loadCard, workCard, machineCard)),
    make('div', 'half', ...of(roofCard, correctnessCard)),
  );
  for (const details of holder.querySelectorAll('details')) details.open = open.has(details.querySelector('summary')?.textContent ?? '');
}
