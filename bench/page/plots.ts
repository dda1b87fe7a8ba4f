/** The three plots, by uPlot: latency over calls, time by kernel, and the roofline. They follow the page's width and its colours. */
import uPlot from 'uplot';
import type { KernelTime } from '../../src/graph/profile.ts';
import { make } from '../../tools/page/dom.ts';
import { milliseconds, rate } from './format.ts';
import { kernelTotals } from './kernels.ts';
import type { Roofline, Series } from './result.ts';

interface Colours {
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly marks: readonly string[];
}

type Drawing = (colours: Colours, width: number) => { options: uPlot.Options; data: uPlot.AlignedData };

const FONT = '12px system-ui, sans-serif';
/** Custom properties that the style sheet gives marks, in the order of their use. */
const MARKS = ['--mark-1', '--mark-2', '--mark-3', '--mark-4', '--mark-5', '--mark-6'];
const dark = matchMedia('(prefers-color-scheme: dark)');

/** Plots whose element is no longer in the page are let go when something is drawn again. */
const drawn = new Map<HTMLElement, () => void>();
dark.addEventListener('change', () => {
  for (const [holder, redraw] of drawn) {
    if (holder.isConnected) redraw();
    else drawn.delete(holder);
  }
});

function plot(label: string, drawing: Drawing): HTMLElement {
  const holder = make('div', 'plot');
  holder.setAttribute('role', 'img');
  holder.setAttribute('aria-label', label);
  let shown: uPlot | undefined;
  let width = 0;
  const redraw = () => {
    shown?.destroy();
    const { options, data } = drawing(coloursOf(holder), width);
    shown = new uPlot({ ...options, width }, data, holder);
  };
  new ResizeObserver(() => {
    const now = Math.floor(holder.clientWidth);
    if (now === width || now === 0) return;
    width = now;
    redraw();
  }).observe(holder);
  drawn.set(holder, redraw);
  return holder;
}

function coloursOf(element: HTMLElement): Colours {
  const probe = make('span');
  element.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = { text: read('--text'), soft: read('--soft'), line: read('--line'), marks: MARKS.map(read) };
  probe.remove();
  return colours;
}

const axis = ({ soft, line }: Colours, more: uPlot.Axis): uPlot.Axis => ({
  stroke: soft,
  font: FONT,
  labelFont: FONT,
  labelSize: 20,
  grid: { stroke: line, width: 1 },
  ticks: { stroke: line, width: 1, size: 5 },
  ...more,
});

/** So many calls are drawn as points without a line. */
const FEW_CALLS = 10;

/** Milliseconds of each call, by its number. */
export function latencyPlot(series: readonly { readonly name: string; readonly series: Series }[]): HTMLElement {
  return plot('Latency of each call in milliseconds', (colours) => {
    const longest = Math.max(...series.map(({ series: { samples } }) => samples.length));
    const numbers = Array.from({ length: longest }, (_, i) => i + 1);
    const few = longest <= 60;
    const most = Math.max(...series.map(({ series: { latency } }) => latency.most));
    return {
      options: {
        width: 0,
        height: 260,
        scales: { x: { time: false, range: [0.5, longest + 0.5] }, y: { range: [0, most * 1.1] } },
        axes: [
          axis(colours, {
            label: 'call',
            size: 30,
            labelGap: -2,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000],
            grid: { show: false },
          }),
          axis(colours, { size: 64, values: timeTicks }),
        ],
        series: [
          { label: 'call' },
          ...series.map(({ name }, i) => ({
            label: name,
            stroke: colours.marks[i] as string,
            width: longest <= FEW_CALLS ? 0 : 2, // a line between two calls would say what nobody measured
            points: { show: few, size: 7, fill: colours.marks[i] as string },
            value: (_: uPlot, value: number | null) => (value === null ? '' : milliseconds(value)),
          })),
        ],
      },
      data: [numbers, ...series.map(({ series: { samples } }) => numbers.map((_, i) => samples[i] ?? null))],
    };
  });
}

/** The share of a frame that each kernel takes: one bar a kernel, the longest on top. */
export function kernelPlot(times: readonly KernelTime[]): HTMLElement {
  const totals = kernelTotals(times);
  const whole = totals.reduce((sum, total) => sum + total.milliseconds, 0);
  const label = `Time by kernel: ${totals.map(({ kernel, milliseconds: ms }) => `${kernel} ${milliseconds(ms)}`).join(', ')}`;
  return plot(label, (colours, width) => {
    const narrow = width < 480;
    const put: uPlot.Hooks.Defs['draw'] = (chart) =>
      write(chart, colours.soft, (put) => {
        for (const [i, { milliseconds: ms }] of totals.entries()) {
          const share = narrow ? '' : ` · ${((100 * ms) / whole).toFixed(1)} %`;
          put(milliseconds(ms) + share, chart.valToPos(ms, 'y', true), chart.valToPos(i, 'x', true), 'left');
        }
      });
    return {
      options: {
        width: 0,
        height: 22 * totals.length + 36,
        padding: [4, narrow ? 64 : 118, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, ori: 1, dir: -1, range: [-0.6, totals.length - 0.4] },
          y: { ori: 0, range: [0, totals[0]?.milliseconds ?? 1] },
        },
        axes: [kernelNames(colours, totals), axis(colours, { scale: 'y', side: 2, size: 30, space: 80, values: timeTicks })],
        series: [{}, { fill: colours.marks[0] as string, points: { show: false }, ...bars }],
        hooks: { draw: [put] },
      },
      data: [totals.map((_, i) => i), totals.map(({ milliseconds: ms }) => ms)],
    };
  });
}

const bars = { ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.7, 18], radius: [0.15, 0] }) }) };

const timeTicks = (_: uPlot, ticks: readonly number[]): string[] => ticks.map((tick) => (tick === 0 ? '0' : milliseconds(tick)));

function kernelNames(colours: Colours, totals: readonly { readonly kernel: string }[]): uPlot.Axis {
  return axis(colours, {
    scale: 'x',
    side: 3,
    size: 150,
    stroke: colours.text,
    grid: { show: false },
    ticks: { show: false },
    splits: () => totals.map((_, i) => i),
    values: () => totals.map(({ kernel }) => kernel),
  });
}

/** Draws texts in the plot's pixels, 6 px off their place. */
function write(
  { ctx }: uPlot,
  colour: string,
  draw: (put: (text: string, x: number, y: number, align: CanvasTextAlign) => void) => void,
): void {
  ctx.save();
  ctx.fillStyle = colour;
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  draw((text, x, y, align) => {
    ctx.textAlign = align;
    ctx.fillText(text, x + (align === 'right' ? -6 : 6) * devicePixelRatio, y);
  });
  ctx.restore();
}

/** Named in the legend; the other kernels share a colour. */
const NAMED = 5;

/** Every kernel by its operations a byte and its rate, under the two roofs; both axes logarithmic. */
export function rooflinePlot(times: readonly KernelTime[], roofline: Roofline): HTMLElement {
  const { gflops, gigabytesPerSecond } = roofline;
  const points = times
    .filter(({ flops, milliseconds: ms }) => flops > 0 && ms > 0)
    .map(({ kernel, flops, bytes, milliseconds: ms }) => ({ kernel, x: flops / bytes, y: flops / ms / 1e6 }));
  const ridge = gflops / gigabytesPerSecond;
  const left = Math.min(ridge, ...points.map(({ x }) => x)) / 2;
  const right = Math.max(ridge, ...points.map(({ x }) => x)) * 2;
  const roof = (x: number) => Math.min(gflops, x * gigabytesPerSecond);
  const least = Math.min(roof(left), ...points.map(({ y }) => y)) / 2;
  const most = Math.max(gflops, ...points.map(({ y }) => y)) * 2; // what stays in a cache may lie above the roof
  const rows = [...points, ...[left, ridge, right].map((x) => ({ kernel: '', x, y: Number.NaN }))].sort((a, b) => a.x - b.x);
  const named = kernelTotals(times)
    .map(({ kernel }) => kernel)
    .filter((name) => points.some(({ kernel }) => kernel === name))
    .slice(0, NAMED);
  const shownAs = (kernel: string) => (named.includes(kernel) ? kernel : 'others');
  const names = points.some(({ kernel }) => !named.includes(kernel)) ? [...named, 'others'] : named;
  const label = (chart: uPlot, colours: Colours) =>
    write(chart, colours.soft, (put) => {
      const up = 10 * devicePixelRatio;
      const middle = Math.sqrt(left * ridge);
      put(`${rate(gflops)} GFLOP/s`, chart.valToPos(right, 'x', true), chart.valToPos(gflops, 'y', true) - up, 'right');
      put(`${rate(gigabytesPerSecond)} GB/s`, chart.valToPos(middle, 'x', true), chart.valToPos(roof(middle), 'y', true) - up, 'right');
    });
  return plot('Roofline: operations a byte against GFLOP/s, for every kernel', (colours) => ({
    options: {
      width: 0,
      height: 340,
      legend: { live: false },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, distr: 3, range: [left, right] }, y: { distr: 3, range: [least, most] } },
      axes: [
        axis(colours, { label: 'floating-point operations a byte', size: 30, ...decades }),
        axis(colours, { label: 'GFLOP/s', size: 56, ...decades }),
      ],
      series: [
        {},
        { label: 'roof', stroke: colours.soft, width: 2, points: { show: false } },
        ...names.map((name, i) => dots(name, colours.marks[i] as string)),
      ],
      hooks: { draw: [(chart) => label(chart, colours)] },
    },
    data: [
      rows.map(({ x }) => x),
      rows.map(({ x }) => roof(x)),
      ...names.map((name) => rows.map(({ kernel, y }) => (kernel !== '' && shownAs(kernel) === name ? y : null))),
    ],
  }));
}

const dots = (label: string, colour: string): uPlot.Series => ({
  label,
  stroke: colour,
  paths: () => null,
  points: { show: true, size: 9, width: 1, fill: colour, stroke: colour },
});

/** The powers of ten of a logarithmic axis; uPlot's own ticks want an axis that begins with one. */
const decades: uPlot.Axis = {
  splits(_, _axis, least, most) {
    const first = Math.ceil(Math.log10(least));
    return Array.from({ length: Math.max(0, Math.floor(Math.log10(most)) - first + 1) }, (_, i) => Number(`1e${first + i}`));
  },
  filter: (_, ticks) => ticks,
  values: (_, ticks) => ticks.map((tick) => tick.toLocaleString('en', { maximumFractionDigits: 9 })),
};
