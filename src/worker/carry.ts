/** How a picture, and weights, get from a page into its worker. */
import type { Checkpoint, TensorInfo } from '../checkpoint/checkpoint.ts';
import type { LoadOptions } from '../engine/options.ts';
import { badPicture, either, FaceXFormerError } from '../gpu/errors.ts';
import { said, tag, given as takes } from '../gpu/given.ts';
import { AS_STORED, type PictureSource, type RawPicture, shownBy, unreadable } from '../image/source.ts';
import { type Carried, lend } from './lend.ts';
import type { PostedCheckpoint } from './protocol.ts';

/**
 * A picture that a worker can be given. What cannot cross, or changes with the next task, is caught in the task of the call; the caller's own
 * stays the caller's.
 * @throws FaceXFormerError BAD_PICTURE
 */
export async function carried(source: PictureSource | string | URL): Promise<Carried<unknown>> {
  const kind = tag(source);
  try {
    if (/Video/.test(kind) && globalThis.VideoFrame) return given(shownBy(source as VideoFrame));
    switch (kind) {
      case 'String':
      case 'URL':
        return { value: absolute(String(source)) };
      case 'HTMLVideoElement':
      case 'HTMLImageElement':
      case 'HTMLCanvasElement':
      case 'OffscreenCanvas':
        return given(await createImageBitmap(source as HTMLImageElement, AS_STORED));
      case 'Object':
        return copied(source as RawPicture);
    }
  } catch (error) {
    throw unreadable(kind, error);
  }
  return { value: source };
}

const given = <T extends Transferable>(value: T): Carried<T> => ({ value, transfer: [value] });

/** Frees what is of no further use. A Blob has no `close`. */
export const closed = (picture: unknown): void => (picture as { close?(): void } | undefined)?.close?.();

/** Raw pixels alone, without the rest of the memory that they lie in, which the slice of Node's Buffer is of, too. */
function copied(picture: RawPicture): Carried<unknown> {
  if ('opened' in picture) throw badPicture('A SharedPicture stays on the page: give the worker the picture itself.');
  const { data, width, height } = picture;
  if (!/^Uint8(Clamped)?Array$/.test(tag(data))) return { value: { data: undefined, width, height } };
  const own = new Uint8Array(data);
  return { value: { data: own, width, height }, transfer: [own.buffer] };
}

/** Lists and objects without the proxies that reactive frameworks make of them, which cannot cross. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return tag(value) === 'Object' ? Object.fromEntries(Object.entries(value as object).map(plain) as [string, unknown][]) : value;
}

/** An address as the page means it: a worker has another base. */
function absolute(address: string): string {
  try {
    return new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch {
    return address; // the engine says what is wrong with it
  }
}

type Weights = LoadOptions['weights'] | undefined;

/** Weights that a worker can be given, and their name if others that name them the same mean the same: none are all the same. */
export async function carriedWeights(
  weights: Weights,
  fetch: typeof globalThis.fetch = globalThis.fetch,
  signal?: AbortSignal,
): Promise<Carried<Exclude<Weights, Checkpoint> | PostedCheckpoint> & { name?: string }> {
  if (!weights) return { value: undefined, name: '' };
  const kind = tag(weights);
  if (kind === 'String' || kind === 'URL') {
    const name = absolute(weights as string);
    return { value: name, name };
  }
  const request = weights as Request;
  const answer = {
    Request: () => fetch(request.clone(), { signal: either(signal, request.signal) }),
    Response: () => weights as Response,
    ReadableStream: () => new Response(weights as ReadableStream),
  }[kind];
  if (answer) return { value: await blobOf(answer, signal) };
  const isOpen = takes('The weights cannot be read.', () => Object(weights).tensors && Object(weights).read);
  if (isOpen) return posted(weights as Checkpoint);
  return { value: weights as Blob };
}

/**
 * Not every browser hands a stream to a worker; all of them hand over a Blob, which the browser may keep on disk. An abort lets go of what is read, and is
 * told by who waits for it.
 */
async function blobOf(response: () => Response | Promise<Response>, signal: AbortSignal | undefined): Promise<Blob> {
  try {
    const { ok, status, body } = await response();
    if (!ok) throw new FaceXFormerError('WEIGHTS_UNREACHABLE', `The server answered ${status} where the weights should be.`);
    const fresh = new Response(body).body; // throws where it was read already
    return await new Response(fresh?.pipeThrough(new TransformStream(), { signal } as StreamPipeOptions)).blob();
  } catch (error) {
    throw unread(error);
  }
}

const unread = (error: unknown): FaceXFormerError =>
  error instanceof FaceXFormerError
    ? error
    : new FaceXFormerError('WEIGHTS_UNREACHABLE', `The weights could not be read: ${said(error)}`, { cause: error });

/** A checkpoint is code and stays here; the worker asks for its tensors one by one. */
function posted(checkpoint: Checkpoint): Carried<PostedCheckpoint> {
  async function* tensors(signal: AbortSignal): AsyncGenerator<Carried<{ info: TensorInfo; data: Uint8Array }>> {
    try {
      for await (const { info, data } of checkpoint.read({ signal })) {
        const own = new Uint8Array(data);
        yield { value: { info, data: own }, transfer: [own.buffer] };
      }
    } catch (error) {
      throw unread(error);
    }
  }
  const port = lend(tensors, 'BAD_OPTION');
  const { source, tensors: posted, rereadable } = checkpoint;
  return { value: { source, posted, rereadable, port }, transfer: [port] };
}
