/**
 * What one side of a channel goes through and the other has: tensors of a checkpoint that is code, pictures and answers of an iteration, the
 * body that a page's `fetch` gives. One thing after the other crosses, when it is asked for.
 */
import { type ErrorCode, FaceXFormerError } from '../gpu/errors.ts';
import { unless } from '../gpu/waiting.ts';

/** What is posted, and what of it is given away. */
export interface Carried<T> {
  readonly value: T;
  readonly transfer?: Transferable[] | undefined;
}

export const uncrossable = (code: ErrorCode, cause: unknown): FaceXFormerError =>
  new FaceXFormerError(
    code,
    `${code === 'BAD_PICTURE' ? 'The picture or an option' : 'An option'} cannot be given to a worker: ${(cause as Error).message}`,
    { cause },
  );

type Wish = 'next' | 'end';
type Handed = { readonly value: unknown } | { readonly done: true } | { readonly error: ReturnType<FaceXFormerError['toJSON']> };

/**
 * Lends an iteration, begun anew whenever a borrower begins, with what it asks for. What it returns goes to the borrower.
 * @param begin is given a signal, which is aborted when the borrower has enough
 * @param refused what it is where something cannot cross
 */
export function lend<T, Asked = undefined>(
  begin: (signal: AbortSignal, asked: Asked) => AsyncIterator<Carried<T>>,
  refused: 'BAD_PICTURE' | 'BAD_OPTION',
): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data: { port, asked } }: MessageEvent<{ port: MessagePort; asked: Asked }>) => {
    const stop = new AbortController();
    const iterator = begin(stop.signal, asked);
    const end = (last: Handed) => {
      port.postMessage(last);
      port.onmessage = null; // what the borrower says after the end is not heard
    };
    const hand = async () => {
      const { value, done } = await iterator.next();
      if (done) return end({ done });
      try {
        port.postMessage({ value: value.value } satisfies Handed, value.transfer ?? []);
      } catch (error) {
        throw uncrossable(refused, error);
      }
    };
    port.onmessage = ({ data: wish }: MessageEvent<Wish>) => {
      const leave = () => iterator.return?.().catch(() => {}); // nobody listens any more
      if (wish === 'next')
        return hand().catch((error) => {
          end({ error: FaceXFormerError.from(error).toJSON() });
          return leave();
        });
      port.close();
      stop.abort();
      return leave();
    };
  };
  return port2;
}

/** Goes through what was lent. @throws FaceXFormerError ABORTED, and what going through it on the other side throws */
export async function* borrowed<T>(lender: MessagePort, signal?: AbortSignal, asked?: unknown): AsyncGenerator<T, void, undefined> {
  const { port1: port, port2 } = new MessageChannel();
  const tell = (wish: Wish) => port.postMessage(wish);
  const end = () => {
    tell('end');
    port.close();
  };
  signal?.addEventListener('abort', end, { once: true }); // also while nobody asks for more
  lender.postMessage({ port: port2, asked }, [port2]);
  try {
    for (;;) {
      const next = new Promise<Handed>((resolve) => {
        port.onmessage = ({ data }) => resolve(data);
      });
      tell('next');
      const handed = await unless(signal, next);
      if ('error' in handed) throw FaceXFormerError.from(handed.error);
      if ('done' in handed) return;
      yield handed.value as T;
    }
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}
