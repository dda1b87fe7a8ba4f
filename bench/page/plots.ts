/** The three plots, by uPlot: latency over calls, time by kernel, and the roofline. They follow the page's width and its colours. */
import uPlot from 'uplot';
import { make } from '../../demo/dom.ts';
import type { KernelTime } from '../../src/graph/profile.ts';
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
          axis(colours, { label: 'call', incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000], grid: { show: false } }),
          axis(colours, { size: 64, values: (_, ticks) => ticks.map((tick) => (tick === 0 ? '0' : milliseconds(tick))) }),
        ],
        series: [
          { label: 'call' },
          ...series.map(({ name }, i) => ({
            label: name,
            stroke: colours.marks[i] as string,
            width: 2,
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
  return plot(
    `Time by kernel: ${totals.map(({ kernel, milliseconds: ms }) => `${kernel} ${milliseconds(ms)}`).join(', ')}`,
    (colours, width) => ({
      options: {
        width: 0,
        height: 22 * totals.length + 50,
        padding: [4, width < 480 ? 86 : 118, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, ori: 1, dir: -1, range: [-0.6, totals.length - 0.4] },
          y: { ori: 0, range: [0, totals[0]?.milliseconds ?? 1] },
        },
        axes: [
          axis(colours, {
            scale: 'x',
            side: 3,
            size: 150,
            stroke: colours.text,
            grid: { show: false },
            ticks: { show: false },
            splits: () => totals.map((_, i) => i),
            values: () => totals.map(({ kernel }) => kernel),
          }),
          axis(colours, {
            scale: 'y',
            side: 2,
            space: 80,
            values: (_, ticks) => ticks.map((tick) => (tick === 0 ? '0' : milliseconds(tick))),
          }),
        ],
        series: [
          {},
          {
            fill: colours.marks[0] as string,
            ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.7, 18], radius: [0.15, 0] }) }),
            points: { show: false },
          },
        ],
        hooks: {
          draw: [
            (chart) =>
              write(chart, colours.soft, (put) => {
                for (const [i, { milliseconds: ms }] of totals.entries())
                  put(
                    `${milliseconds(ms)} · ${((100 * ms) / whole).toFixed(1)} %`,
                    chart.valToPos(ms, 'y', true),
                    chart.valToPos(i, 'x', true),
                    'left',
                  );
              }),
          ],
        },
      },
      data: [totals.map((_, i) => i), totals.map(({ milliseconds: ms }) => ms)],
    }),
  );
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
export function rooflinePlot(times: readonly KernelTime[], { gflops, gigabytesPerSecond }: Roofline): HTMLElement {
  const points = times
    .filter(({ flops, milliseconds: ms }) => flops > 0 && ms > 0)
    .map(({ kernel, flops, bytes, milliseconds: ms }) => ({ kernel, x: flops / bytes, y: flops / ms / 1e6 }));
  const ridge = gflops / gigabytesPerSecond;
  const named = kernelTotals(times)
    .map(({ kernel }) => kernel)
    .filter((name) => points.some(({ kernel }) => kernel === name))
    .slice(0, NAMED);
  const rest = points.some(({ kernel }) => !named.includes(kernel)) ? ['others'] : [];
  const left = Math.min(ridge, ...points.map(({ x }) => x)) / 2;
  const right = Math.max(ridge, ...points.map(({ x }) => x)) * 2;
  const roof = (x: number) => Math.min(gflops, x * gigabytesPerSecond);
  const rows = [...points, ...[left, ridge, right].map((x) => ({ kernel: '', x, y: Number.NaN }))].sort((a, b) => a.x - b.x);
  const lowest = Math.min(roof(left), ...points.map(({ y }) => y)) / 2;
  const of = (name: string) =>
    rows.map(({ kernel, y }) => (kernel !== '' && (named.includes(kernel) ? kernel : 'others') === name ? y : null));
  return plot('Roofline: operations a byte against GFLOP/s, for every kernel', (colours) => ({
    options: {
      width: 0,
      height: 340,
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, distr: 3, range: [left, right] }, y: { distr: 3, range: [lowest, gflops * 2] } },
      axes: [
        axis(colours, { label: 'floating-point operations a byte', values: (_, ticks) => ticks.map(logTick) }),
        axis(colours, { label: 'GFLOP/s', size: 56, values: (_, ticks) => ticks.map(logTick) }),
      ],
      series: [
        { label: 'operations a byte', value: (_, value: number | null) => (value === null ? '' : value.toPrecision(3)) },
        { label: 'roof', stroke: colours.soft, width: 2, points: { show: false }, value: rateValue },
        ...[...named, ...rest].map((name, i) => ({
          label: name,
          stroke: colours.marks[i] as string,
          paths: () => null,
          points: { show: true, size: 9, width: 1, fill: colours.marks[i] as string, stroke: colours.marks[i] as string },
          value: rateValue,
        })),
      ],
      hooks: {
        draw: [
          (chart) =>
            write(chart, colours.soft, (put) => {
              const above = 10 * devicePixelRatio;
              put(`${rate(gflops)} GFLOP/s`, chart.valToPos(right, 'x', true), chart.valToPos(gflops, 'y', true) - above, 'right');
              put(
                `${rate(gigabytesPerSecond)} GB/s`,
                chart.valToPos(left, 'x', true),
                chart.valToPos(roof(left), 'y', true) - 2.5 * above,
                'left',
              );
            }),
        ],
      },
    },
    data: [rows.map(({ x }) => x), rows.map(({ x }) => roof(x)), ...[...named, ...rest].map(of)],
  }));
}

const rateValue = (_: uPlot, value: number | null): string => (value === null ? '' : rate(value));

/** Of a logarithmic axis the powers of ten alone are named. */
const logTick = (tick: number | null): string | null => {
  if (tick === null || !Number.isInteger(Math.round(1e6 * Math.log10(tick)) / 1e6)) return null;
  return tick >= 1000 ? tick.toLocaleString('en') : String(Number(tick.toPrecision(1)));
};
