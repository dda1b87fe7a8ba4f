/** What frames ask of the thread that submits them: JavaScript by function, and what each calls of Dawn and the driver. */
import { type Profiler, Session } from 'node:inspector';

/** Microseconds between two looks at what the thread does. */
const INTERVAL = 100;
/** Functions that are listed. */
const MOST = 25;

/** Milliseconds a frame by function, the longest first, as Node's sampling profiler finds them while `frames` frames are run; `(idle)` is waiting. */
export async function threadOf(frames: number, run: () => Promise<unknown>): Promise<Record<string, number>> {
  const session = new Session();
  session.connect();
  try {
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
    session.post('Profiler.start');
    await run();
    const { profile } = await new Promise<Profiler.StopReturnType>((resolve, reject) =>
      session.post('Profiler.stop', (error, stopped) => (error ? reject(error) : resolve(stopped))),
    );
    return byFunction(profile, frames);
  } finally {
    session.disconnect();
  }
}

function byFunction({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, frames: number): Record<string, number> {
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  // What is not JavaScript has no name: it is told by who calls it.
  for (const node of nodes)
    for (const child of node.children ?? []) if (names.get(child) === '') names.set(child, `${nameOf(node)}, called`);
  const sums = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const name = names.get(id) || 'called by nobody';
    sums.set(name, (sums.get(name) ?? 0) + (timeDeltas[i] as number) / 1000 / frames);
  }
  const longest = [...sums].sort(([, a], [, b]) => b - a).slice(0, MOST);
  return Object.fromEntries(longest.map(([name, ms]) => [name, Number(ms.toFixed(3))]));
}

const nameOf = ({ callFrame: { functionName, url, lineNumber } }: Profiler.ProfileNode): string =>
  url === '' ? functionName : `${functionName || 'a function'} (${url.split('/').at(-1)}:${lineNumber + 1})`;
