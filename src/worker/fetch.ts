/** A `fetch` of the page's, called from its worker: a function cannot cross, so each call and its answer do, the body piece by piece as it is asked for. */
import { isEncoded } from '../checkpoint/bytes.ts';

/** One call: its answer, and the pieces of the body, come through the port. */
export interface FetchCall {
  readonly url: string;
  readonly init: Pick<RequestInit, 'method' | 'headers' | 'cache'>;
  readonly port: MessagePort;
}

/** What the worker says of a call under way. */
export type FetchCommand = 'next' | 'stop';

export type FetchAnswer =
  | { readonly status: number; readonly statusText: string; readonly headers: readonly [string, string][]; readonly isEmpty: boolean }
  | { readonly piece: Uint8Array | undefined }
  | { readonly failed: string };

/** The page's side: a port that takes `FetchCall`s. */
export function lentFetch(fetch: typeof globalThis.fetch): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<FetchCall>) => answer(data, fetch);
  return port2;
}

function answer({ url, init, port }: FetchCall, fetch: typeof globalThis.fetch): void {
  const stop = new AbortController();
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const told = async (say: () => Promise<FetchAnswer>): Promise<void> =>
    port.postMessage(await say().catch((error: unknown) => ({ failed: error instanceof Error ? error.message : String(error) })));
  port.onmessage = ({ data }: MessageEvent<FetchCommand>) => {
    if (data === 'next') return told(async () => ({ piece: (await reader?.read())?.value }));
    stop.abort();
    port.close();
  };
  void told(async () => {
    const response = await fetch(url, { ...init, signal: stop.signal });
    reader = response.body?.getReader();
    // Of another origin's answer the worker could not see that its length may be of what was packed.
    const headers = [...response.headers].filter(([name]) => name !== 'content-length' || !isEncoded(response));
    return { status: response.status, statusText: response.statusText, headers, isEmpty: !reader };
  });
}

/** The worker's side: a `fetch` that the page answers. */
export function borrowedFetch(page: MessagePort): typeof globalThis.fetch {
  return async (input, { method, headers, cache, signal } = {}) => {
    const { port1: port, port2 } = new MessageChannel();
    const stop = () => port.postMessage('stop' satisfies FetchCommand);
    signal?.addEventListener('abort', stop, { once: true });
    /** The next thing that the page says; an abort is the page's failure then. */
    const said = async (command?: FetchCommand): Promise<FetchAnswer> => {
      const next = new Promise<FetchAnswer>((resolve, reject) => {
        port.onmessage = ({ data }) => resolve(data);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      signal?.throwIfAborted();
      if (command) port.postMessage(command);
      const answer = await next;
      if ('failed' in answer) throw new TypeError(answer.failed);
      return answer;
    };
    const call: FetchCall = { url: String(input), init: JSON.parse(JSON.stringify({ method, headers, cache })), port: port2 };
    page.postMessage(call, [port2]);
    const { status, statusText, headers: told, isEmpty } = (await said()) as Extract<FetchAnswer, { status: number }>;
    if (isEmpty) port.close();
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { piece } = (await said('next')) as Extract<FetchAnswer, { piece: unknown }>;
          if (piece) return controller.enqueue(piece);
          controller.close();
          port.close();
        },
        cancel: stop,
      },
      { highWaterMark: 0 },
    );
    return new Response(isEmpty ? null : body, { status, statusText, headers: told as [string, string][] });
  };
}
