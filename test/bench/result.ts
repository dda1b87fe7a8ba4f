/** A result as a run makes them, for tests of what is done with results. */
import { type BenchResult, NOTICE, type Series } from '../../bench/page/result.ts';
import { DEFAULTS } from '../../bench/page/settings.ts';
import { summary } from '../../bench/page/statistics.ts';

export function series(samples: readonly number[], inFlight = 1): Series {
  const total = samples.reduce((sum, sample) => sum + sample, 0) / inFlight;
  return { samples, latency: summary(samples), inFlight, total, fps: (1000 * samples.length) / total };
}

export function resultOf(changes: Partial<BenchResult> = {}): BenchResult {
  return {
    schema: 1,
    date: '2026-11-24T07:00:00.000Z',
    commit: '0123456789abcdef0123456789abcdef01234567',
    settings: DEFAULTS,
    machine: {
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36',
      cores: 2,
      adapter: { vendor: 'google', architecture: 'swiftshader', device: '', description: '', software: true },
      features: ['subgroups', 'timestamp-query'],
      limits: { maxBufferSize: 2 ** 28 },
    },
    weights: { source: 'seeded 20240319', form: 'released', untrained: true, dtype: 'f32' },
    notice: NOTICE,
    tasks: ['age'],
    plan: {
      dispatches: 3,
      pipelines: 2,
      macs: 100,
      flops: 200,
      bytes: 1000,
      activationBytes: 2048,
      weightBytes: 4096,
      readbackBytes: 32,
    },
    calls: { dispatches: 3, submits: 1 },
    load: { device: 10, plan: 20, weights: 30, rest: 40, total: 100, compile: 50, pipelines: 2 },
    first: 12,
    serial: series([10, 11, 12]),
    pipelined: series([20, 21, 22], 3),
    video: { skipped: 'this browser has no requestVideoFrameCallback' },
    kernels: {
      times: [kernel('matmul', ['a', 'b'], 2, 400, 100), kernel('matmul', ['c'], 1, 100, 100), kernel('layerNorm', ['d'], 3, 0, 300)],
    },
    roofline: { gflops: 10, gigabytesPerSecond: 1 },
    correctness: { nmse: { age: 5e-11 }, bound: 1e-8 },
    peers: [{ skipped: 'human is not installed' }],
    ...changes,
  };
}

const kernel = (name: string, nodes: readonly string[], milliseconds: number, flops: number, bytes: number) =>
  ({ kernel: name, pipeline: '| K=1', workgroups: [1, 2, 3], nodes, milliseconds, repeats: 1, flops, bytes }) as const;
