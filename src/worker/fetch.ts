/** A `fetch` of the page's, called from its worker: a function cannot cross, so what it answers is lent, its body piece by piece. */
import { isEncoded, piecesOf } from '../checkpoint/bytes.ts';
import { either } from '../gpu/errors.ts';
import { said } from '../gpu/given.ts';
import { borrowed, type Carried, lend } from './lend.ts';

interface FetchCall {
  readonly url: string;
  readonly init: Pick<RequestInit, 'method' | 'headers' | 'cache'>;
}

interface Head {
  readonly status: number;
  readonly statusText: string;
  readonly headers: [string, string][];
  readonly isEmpty: boolean;
}

/** A head comes first, then pieces of the body; a failure is the last. */
type Said = Head | { readonly piece: Uint8Array } | { readonly failed: string };

/** The page's side. */
export const lentFetch = (fetch: typeof globalThis.fetch): MessagePort =>
  lend((signal, call: FetchCall) => answer(fetch, call, signal), 'BAD_OPTION');

async function* answer(fetch: typeof globalThis.fetch, { url, init }: FetchCall, signal: AbortSignal): AsyncGenerator<Carried<Said>> {
  try {
    const response = await fetch(url, { ...init, signal });
    const { status, statusText, body, bodyUsed } = response;
    if (bodyUsed || (body !== null && !body?.getReader)) throw new TypeError('`fetch` gave no Response that can be read');
    const pieces = piecesOf(body, signal);
    // Of another origin's answer the worker could not see that its length may be of what was packed.
    const headers = [...response.headers].filter(([name]) => name !== 'content-length' || !isEncoded(response));
    yield { value: { status, statusText, headers, isEmpty: !body } };
    for await (const piece of pieces) yield { value: { piece } };
  } catch (error) {
    yield { value: { failed: said(error) } };
  }
}

/** The worker's side: a `fetch` that the page answers. */
export function borrowedFetch(page: MessagePort): typeof globalThis.fetch {
  return async (input, { method, headers, cache, signal } = {}) => {
    const call: FetchCall = { url: String(input), init: JSON.parse(JSON.stringify({ method, headers, cache })) };
    const stop = new AbortController();
    const answers = borrowed<Said>(page, either(signal ?? undefined, stop.signal), call);
    /** The next thing that the page says; an abort is the page's failure then. */
    const next = async (): Promise<Said | undefined> => {
      const { value } = await answers.next().catch((error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      });
      if (value && 'failed' in value) throw new TypeError(value.failed);
      return value ?? undefined;
    };
    const { isEmpty, ...head } = (await next()) as Head;
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const body = (await next()) as { piece: Uint8Array } | undefined;
          if (body) controller.enqueue(body.piece);
          else controller.close();
        },
        cancel: () => stop.abort(),
      },
      { highWaterMark: 0 },
    );
    if (isEmpty) next().catch(() => {}); // there is none, and that ends it
    return new Response(isEmpty ? null : body, head);
  };
}
