/** Cards of the report: cold load, kernels, roofline, distance from the reference. */

import type { KernelTime } from '../../src/graph/profile.ts';
import { make } from '../../tools/page/dom.ts';
import { worstOf } from './compare.ts';
import { milliseconds, rate } from './format.ts';
import { kernelTotals, partOfRoof } from './kernels.ts';
import { card, note, type Part, table } from './pieces.ts';
import { kernelPlot, rooflinePlot } from './plots.ts';
import { isSkipped, type Load } from './result.ts';

const PHASES: readonly (readonly [keyof Load, string])[] = [
  ['device', 'device'],
  ['plan', 'header, graph and plan'],
  ['weights', 'weights'],
  ['rest', 'rest of compiling, buffers'],
];

export function loadCard({ load, first, weights }: Part): HTMLElement | undefined {
  if (!load) return undefined;
  const bar = make('div', 'stack');
  const names = make('ul', 'legend');
  for (const [i, [name, label]] of PHASES.entries()) {
    const part = make('span', `mark-${i + 1}`);
    part.style.flexGrow = String(load[name]);
    bar.append(part);
    names.append(make('li', '', make('span', `swatch mark-${i + 1}`), label, make('b', '', milliseconds(load[name]))));
  }
  const made = card(
    'load',
    'Cold load',
    make(
      'p',
      'answer',
      milliseconds(load.total),
      make('small', '', first === undefined ? '' : ` then ${milliseconds(first)} for the first frame`),
    ),
    bar,
    names,
  );
  made.append(note(`${load.pipelines} pipelines compiled in ${milliseconds(load.compile)}, while the weights arrived.`));
  if (weights?.untrained) made.append(note('Seeded weights are computed in this page, and not fetched: this is no download time.'));
  return made;
}

export function kernelCard({ kernels, roofline }: Part): HTMLElement | undefined {
  if (!kernels) return undefined;
  if (isSkipped(kernels)) return card('kernels', 'Time by kernel', note(`Not measured: ${kernels.skipped}.`));
  const { times } = kernels;
  const totals = kernelTotals(times);
  const sum = totals.reduce((total, { milliseconds: each }) => total + each, 0);
  const roof = roofline && !isSkipped(roofline) ? roofline : undefined;
  const made = card(
    'kernels',
    'Time by kernel',
    make('p', 'answer', milliseconds(sum), make('small', '', ` in ${totals.reduce((n, { dispatches }) => n + dispatches, 0)} dispatches`)),
    kernelPlot(times),
    make('details', '', make('summary', '', 'Every pipeline and grid'), kernelTable(times, sum, roof)),
  );
  return made;
}

function kernelTable(
  times: readonly KernelTime[],
  sum: number,
  roof: { gflops: number; gigabytesPerSecond: number } | undefined,
): HTMLElement {
  const rows = [...times]
    .sort((a, b) => b.milliseconds * b.nodes.length - a.milliseconds * a.nodes.length)
    .map((time) => {
      const { kernel, pipeline, workgroups, nodes, milliseconds: each, repeats, flops, bytes } = time;
      const name = make('span', '', kernel);
      name.title = `${pipeline}\n${nodes.join('\n')}`;
      return [
        name,
        workgroups.join(' × '),
        String(nodes.length),
        milliseconds(each),
        `${((100 * each * nodes.length) / sum).toFixed(1)} %`,
        flops > 0 ? rate(flops / each / 1e6) : '',
        rate(bytes / each / 1e6),
        roof ? `${(100 * partOfRoof(time, roof)).toFixed(0)} %` : '',
        String(repeats),
      ];
    });
  const holder = table(['kernel', 'grid', 'in a frame', 'each', 'share', 'GFLOP/s', 'GB/s', 'of its roof', 'repeats'], rows);
  holder.classList.add('scroll');
  return holder;
}

export function roofCard({ kernels, roofline }: Part): HTMLElement | undefined {
  if (!roofline) return undefined;
  if (isSkipped(roofline)) return card('roofline', 'Roofline', note(`Not measured: ${roofline.skipped}.`));
  const made = card(
    'roofline',
    'Roofline',
    make(
      'p',
      'answer',
      `${rate(roofline.gflops)} GFLOP/s`,
      make('small', '', ` and ${rate(roofline.gigabytesPerSecond)} GB/s are what this adapter reached`),
    ),
  );
  if (kernels && !isSkipped(kernels))
    made.append(
      rooflinePlot(kernels.times, roofline),
      note(
        'One point a pipeline and grid. Bytes are every operand once; a kernel that reads from the cache can be above the sloping roof.',
      ),
    );
  return made;
}

/** Bars from 1e-16 to the bound, by their logarithm. */
export function correctnessCard({ correctness }: Part): HTMLElement | undefined {
  if (!correctness) return undefined;
  if (isSkipped(correctness)) return card('correctness', 'Distance from the reference', note(`Not measured: ${correctness.skipped}.`));
  const { nmse, bound } = correctness;
  const worst = worstOf(nmse);
  const bars = make('dl', 'bars');
  for (const [task, distance] of Object.entries(nmse)) {
    const fill = make('span');
    fill.style.width = `${(100 * Math.min(1, Math.max(0.01, 1 + Math.log10(Math.max(distance, 1e-300) / bound) / (16 + Math.log10(bound))))).toFixed(1)}%`;
    bars.append(
      make(
        'div',
        task === worst?.output ? 'top' : '',
        make('dt', '', task),
        make('dd', '', make('span', 'track', fill), distance.toExponential(1)),
      ),
    );
  }
  const held = (worst?.nmse ?? Number.POSITIVE_INFINITY) <= bound;
  const made = card(
    'correctness',
    'Distance from the reference',
    make('p', 'answer', held ? 'Within the bound' : 'Over the bound', make('small', '', ` of ${bound.toExponential(0)}`)),
    bars,
  );
  if (!held) made.classList.add('bad');
  made.append(
    note('NMSE of each raw output against the official code in float64 with the same weights, logarithmic; a full bar is the bound.'),
  );
  return made;
}
