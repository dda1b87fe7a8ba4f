/** Every encoder, as FaceXFormer and as SegFace at its sides: loading, speed, time on the GPU, work. One row each, the cheap ones first. */
import { readFileSync, writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import type { TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { type EngineDtype, FaceXFormer, type RawPicture, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import { SegFace, segFaceTensors } from '../../src/segface/index.ts';
import { BOX, SEED } from '../../tools/reference.ts';
import { calls, inFlight, oneByOne, stopwatch } from './engine.ts';
import { kernelRows, milliseconds } from './kernels.ts';
import type { Note } from './note.ts';

/** A network on one encoder at one side. */
interface Trial {
  readonly network: 'facexformer' | 'segface';
  readonly encoder: string;
  readonly side: number;
  readonly dtype: EngineDtype;
}

const WARM = 5;
const CALLS = 30;
const CALLS_IN_FLIGHT = 60;

/** Figures of a row in their order, or why it has none. */
type Row = Readonly<Record<string, number>> | { readonly error: string };

const COLUMNS = [
  ...['load, ms', 'first frame, ms', 'call p50, ms', 'call p95, ms', 'frames a second in flight', 'GPU, ms'],
  ...['dispatches', 'multiply-adds, G', 'parameters, M', 'weights, MB', 'activations, MB'],
];

/** Those to measure: each in float32, MobileNet in float16 besides. */
const TRIALS: readonly Trial[] = [
  ...bothTypes('facexformer', 'mobilenet_v3_large', 224),
  ...bothTypes('segface', 'mobilenet_v3_large', 512),
  { network: 'facexformer', encoder: 'resnet101', side: 224, dtype: 'f32' },
  { network: 'facexformer', encoder: 'convnext_b', side: 224, dtype: 'f32' },
  { network: 'facexformer', encoder: 'swin_b', side: 224, dtype: 'f32' },
  { network: 'segface', encoder: 'swin_b', side: 224, dtype: 'f32' },
  { network: 'segface', encoder: 'resnet101', side: 512, dtype: 'f32' },
  { network: 'segface', encoder: 'convnext_b', side: 512, dtype: 'f32' },
  { network: 'segface', encoder: 'swin_b', side: 512, dtype: 'f32' },
];

function bothTypes(network: Trial['network'], encoder: string, side: number): Trial[] {
  return (['f32', 'f16'] as const).map((dtype) => ({ network, encoder, side, dtype }));
}

/**
 * Measures them one after another, each on a device of its own, so that none inherits pipelines, or a device that another lost.
 * What is measured stands in encoders.tsv after each row.
 * @param chosen a regular expression for the rows' names, such as `segface mobilenet`; all where it is empty
 */
export async function measureEncoders(open: () => Promise<GPUDevice>, note: Note, { folder, out, chosen }: EncodersRun): Promise<void> {
  const { width, height, data } = PNG.sync.read(readFileSync(`${folder}/astronaut.png`));
  const source: RawPicture = { width, height, data: new Uint8ClampedArray(data) };
  const lines = [['network', 'encoder', 'side', 'dtype', ...COLUMNS, 'error'].join('\t')];
  for (const trial of TRIALS) {
    const { network, encoder, side, dtype } = trial;
    const name = `${network} ${encoder} ${side} ${dtype}`;
    if (!new RegExp(chosen).test(name)) continue;
    const row = await measured(trial, open, source);
    const figures = COLUMNS.map((column) => ('error' in row ? '' : `${row[column]?.toFixed(2)}`));
    lines.push([network, encoder, side, dtype, ...figures, 'error' in row ? row.error : ''].join('\t'));
    writeFileSync(`${out}/encoders.tsv`, `${lines.join('\n')}\n`);
    note(name, row);
  }
}

interface EncodersRun {
  /** Where the picture is. */
  readonly folder: string;
  readonly out: string;
  readonly chosen: string;
}

async function measured(trial: Trial, open: () => Promise<GPUDevice>, source: RawPicture): Promise<Row> {
  let device: GPUDevice | undefined;
  try {
    device = await open();
    if (trial.dtype === 'f16' && !device.features.has('shader-f16')) return { error: 'the adapter has no shader-f16' };
    return await figuresOf(trial, device, source);
  } catch (error) {
    return { error: String(error).replaceAll(/\s+/g, ' ') };
  } finally {
    device?.destroy();
  }
}

async function figuresOf({ network, encoder, side, dtype }: Trial, device: GPUDevice, source: RawPicture): Promise<Row> {
  const isSegFace = network === 'segface';
  const tensors = isSegFace ? segFaceTensors(encoder) : tensorsOf('released', { backbone: encoder });
  const options = { weights: seededCheckpoint(tensors, SEED), device, dtype, side };
  const lap = stopwatch();
  const engine = await (isSegFace ? SegFace.load(options) : FaceXFormer.load(options));
  const load = lap();
  await engine.analyze(source, { box: BOX });
  const first = lap();
  await oneByOne(engine, source, { box: BOX }, calls(WARM));
  const one = await oneByOne(engine, source, { box: BOX }, calls(CALLS));
  const framesInFlight = await inFlight(engine, source, { box: BOX }, calls(CALLS_IN_FLIGHT));
  const plan = engine.plan();
  const onGpu = milliseconds(kernelRows(plan, await engine.profile()));
  engine.dispose();
  const { dispatches, macs, weightBytes, activationBytes } = plan.totals;
  const figures = [load, first, one.p50, one.p95, framesInFlight, onGpu, dispatches, macs / 1e9].concat(
    learnt([...tensors.values()]) / 1e6,
    weightBytes / 1e6,
    activationBytes / 1e6,
  );
  return Object.fromEntries(COLUMNS.map((column, i) => [column, figures[i] as number]));
}

/** How many numbers of a checkpoint are learnt: neither statistics of batch norms, nor counts, nor the position code's matrix. */
export function learnt(tensors: readonly TensorInfo[]): number {
  const weights = tensors.filter(({ name, dtype }) => dtype === 'F32' && !/(running_(mean|var)|gaussian_matrix)$/.test(name));
  return weights.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
}
