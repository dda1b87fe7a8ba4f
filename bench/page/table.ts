/** A result as lines for the terminal. */
import { browserTitle, worstOf } from './compare.ts';
import { adapterTitle, bytesText, milliseconds, rate, weightsTitle } from './format.ts';
import { kernelTotals } from './kernels.ts';
import { type BenchResult, isSkipped, type Series } from './result.ts';

const SHOWN_KERNELS = 8;

export function tableLines(result: BenchResult): string[] {
  const { machine, weights, tasks, load, first, plan, correctness, settings } = result;
  const worst = isSkipped(correctness) ? undefined : worstOf(correctness.nmse);
  return [
    ...(result.notice ? [result.notice, ''] : []),
    ...columns([
      ['machine', `${adapterTitle(machine)}, ${browserTitle(machine.userAgent)}`],
      ['weights', `${weightsTitle(weights)}, computed in ${weights.dtype}`],
      ['tasks', `${tasks.length}, ${settings.batch} face${settings.batch === 1 ? '' : 's'} a call`],
      [
        'load',
        `${milliseconds(load.total)}: device ${milliseconds(load.device)}, weights ${milliseconds(load.weights)}, rest ${milliseconds(load.rest)}`,
      ],
      ['compile', `${milliseconds(load.compile)}, ${load.pipelines} pipelines, while the weights arrive`],
      ['first', milliseconds(first)],
      ['plan', `${plan.dispatches} dispatches of ${plan.pipelines} pipelines, ${(plan.macs / 1e9).toFixed(2)} G multiply-adds`],
      [
        'memory',
        `weights ${bytesText(plan.weightBytes)}, activations ${bytesText(plan.activationBytes)}, read back ${bytesText(plan.readbackBytes)}`,
      ],
      ['NMSE', worst ? `${worst.nmse.toExponential(1)} at most (${worst.output})` : isSkipped(correctness) ? correctness.skipped : ''],
    ]),
    '',
    ...columns(seriesRows(result)),
    ...kernelLines(result),
    ...peerLines(result),
  ];
}

function seriesRows({ serial, pipelined, video, detection }: BenchResult): string[][] {
  const row = (name: string, { samples, latency, fps }: Series) => [
    name,
    String(samples.length),
    ...[latency.p50, latency.p95, latency.p99].map(milliseconds),
    fps.toFixed(2),
  ];
  return [
    ['', 'calls', 'p50', 'p95', 'p99', 'calls/s'],
    row('serial', serial),
    row(`pipelined x${pipelined.inFlight}`, pipelined),
    isSkipped(video) ? ['video', video.skipped] : row('video', video),
    ...(detection ? [row(`detection ${detection.width} x ${detection.height}`, detection.serial)] : []),
  ];
}

function kernelLines({ kernels, roofline }: BenchResult): string[] {
  if (isSkipped(kernels)) return ['', `kernels: ${kernels.skipped}`];
  const totals = kernelTotals(kernels.times);
  const sum = totals.reduce((all, { milliseconds: each }) => all + each, 0);
  const rows = totals
    .slice(0, SHOWN_KERNELS)
    .map(({ kernel, dispatches, milliseconds: each, flops, bytes }) => [
      kernel,
      String(dispatches),
      milliseconds(each),
      `${((100 * each) / sum).toFixed(1)} %`,
      flops > 0 ? rate(flops / each / 1e6) : '',
      rate(bytes / each / 1e6),
    ]);
  const roof = isSkipped(roofline)
    ? []
    : [`the adapter reached ${rate(roofline.gflops)} GFLOP/s and ${rate(roofline.gigabytesPerSecond)} GB/s`];
  const others = totals.length > SHOWN_KERNELS ? [`and ${totals.length - SHOWN_KERNELS} kernels more`] : [];
  return ['', ...columns([['kernel', 'dispatches', milliseconds(sum), 'share', 'GFLOP/s', 'GB/s'], ...rows]), ...others, ...roof];
}

function peerLines({ peers, serial, settings: { batch } }: BenchResult): string[] {
  if (peers.length === 0) return [];
  const rows = peers.map((peer) =>
    isSkipped(peer)
      ? ['', peer.skipped]
      : [
          peer.peer,
          milliseconds(peer.load),
          milliseconds(peer.first),
          milliseconds(peer.serial.latency.p50),
          `${((batch * peer.serial.latency.p50) / serial.latency.p50).toFixed(2)}x`,
          peer.note,
        ],
  );
  return ['', ...columns([['peer', 'load', 'first', 'p50', 'time a face', 'what'], ...rows])];
}

/** Columns as wide as what stands in them; a row's last cell may be longer. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) if (i < row.length - 1) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell))
      .join('  ')
      .trimEnd(),
  );
}
