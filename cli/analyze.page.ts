/** The engine in the browser, as the command line calls it: `load` once, then `analyze` for each picture. */

import type { TensorInfo } from '../src/checkpoint/checkpoint.ts';
import { seededCheckpoint } from '../src/checkpoint/seeded.ts';
import { safetensorsHeader } from '../src/checkpoint/write.ts';
import { mtcnn } from '../src/detect/mtcnn.ts';
import type { Engine } from '../src/engine/engine.ts';
import type { LoadOptions } from '../src/engine/options.ts';
import { drawFaces } from '../src/face/draw.ts';
import { type FaceJson, faceToJson } from '../src/face/json.ts';
import type { Task } from '../src/face/labels.ts';
import type { Box } from '../src/image/crop.ts';
import { type Kind, openEngine, tensorsOfKind } from '../tools/networks.ts';
import type { Progress } from '../tools/terminal/progress.ts';

export interface LoadRequest {
  weights: { url: string } | { seed: number; form: Kind; backbone: string };
  side: number | undefined;
  tasks: string[] | undefined;
  plan: NonNullable<LoadOptions['plan']>;
  dtype: NonNullable<LoadOptions['dtype']>;
}

export interface AnalyzeRequest {
  /** Address of the picture on the page's server. */
  picture: string;
  box: Box | 'whole' | undefined;
  taps: boolean;
  /** Post the drawn picture as `drawn`, the raw outputs as `raw`. */
  draw: boolean;
  raw: boolean;
}

export interface AnalyzeReply {
  width: number;
  height: number;
  faces: FaceJson[];
  timings: object;
}

type RawTensors = Readonly<Record<string, { shape: readonly number[]; data: Float32Array | Uint8Array }>>;

declare global {
  /** Given by Node. */
  var reportProgress: ((progress: Progress) => Promise<void>) | undefined;
}

let engine: Engine | undefined;

export async function load({ weights, side, tasks, plan, dtype }: LoadRequest): Promise<void> {
  let last = 0;
  ({ engine } = await openEngine({
    weights: 'url' in weights ? weights.url : seededCheckpoint(tensorsOfKind(weights.form, weights), weights.seed),
    side,
    detector: mtcnn({ weights: new URL('/mtcnn.safetensors', location.href) }),
    plan,
    dtype,
    ...(tasks && { tasks: tasks as Task[] }), // the engine says which names it does not know
    onProgress(progress) {
      const now = performance.now();
      if (now - last < 100 && progress.fraction < 1) return;
      last = now;
      void globalThis.reportProgress?.({ phase: 'loading', loaded: progress.fraction, total: 1 });
    },
  }));
}

export async function analyze({ picture, box, taps, draw, raw }: AnalyzeRequest): Promise<AnalyzeReply> {
  if (!engine) throw new Error('load() comes first');
  const blob = await (await fetch(picture)).blob();
  const { faces, width, height, timings } = await engine.analyze(blob, { ...(box && { box }), raw, taps });
  if (raw) await post('raw', rawFile(faces[0]?.raw ?? {}));
  if (draw)
    await post(
      'drawn',
      await drawn(blob, (ctx) => {
        drawFaces(ctx, faces);
        if (engine?.info.weights.startsWith('seeded')) drawNote(ctx, 'Untrained weights: what is drawn is noise.');
      }),
    );
  return { width, height, faces: faces.map(({ raw: _, ...face }) => faceToJson(face)), timings };
}

/** The tensors as a safetensors file: float32 first, so that each is aligned. */
function rawFile(tensors: RawTensors): Blob {
  const entries = Object.entries(tensors).sort(
    ([a, { data: x }], [b, { data: y }]) => y.BYTES_PER_ELEMENT - x.BYTES_PER_ELEMENT || (a < b ? -1 : 1),
  );
  const infos = entries.map(([name, { shape, data }]): TensorInfo => {
    return { name, shape, dtype: data instanceof Float32Array ? 'F32' : 'U8', bytes: data.byteLength };
  });
  return new Blob([safetensorsHeader(infos), ...entries.map(([, { data }]) => data)] as BlobPart[]);
}

async function drawn(blob: Blob, draw: (ctx: OffscreenCanvasRenderingContext2D) => void): Promise<Blob> {
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const ctx = canvas.getContext('2d');
  if (!ctx) throw new Error(`The browser gives no canvas of ${bitmap.width} x ${bitmap.height} pixels.`);
  ctx.drawImage(bitmap, 0, 0);
  bitmap.close();
  draw(ctx);
  return canvas.convertToBlob({ type: 'image/png' });
}

/** A line of text along the top edge, so that a picture says by itself what it is. */
function drawNote(ctx: OffscreenCanvasRenderingContext2D, note: string): void {
  const size = Math.max(11, Math.round(ctx.canvas.width / 36));
  ctx.font = `600 ${size}px sans-serif`;
  ctx.fillStyle = 'rgb(0 0 0 / 0.7)';
  ctx.fillRect(0, 0, ctx.canvas.width, 1.7 * size);
  ctx.fillStyle = '#ffd60a';
  ctx.fillText(note, 0.6 * size, 1.2 * size, ctx.canvas.width - 1.2 * size);
}

async function post(name: string, body: Blob): Promise<void> {
  const response = await fetch(`/post/${name}`, { method: 'POST', body });
  if (!response.ok) throw new Error(`The server answered ${response.status} to ${name}.`);
}
