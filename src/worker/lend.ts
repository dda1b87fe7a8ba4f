/**
 * What one side of a channel goes through and the other has: tensors of a checkpoint that is code, pictures of an iteration. One thing after the
 * other crosses, when it is asked for.
 */
import { type ErrorCode, FaceXFormerError } from '../gpu/errors.ts';
import { unless } from '../gpu/waiting.ts';

/** What is posted, and what of it is given away. */
export interface Carried<T> {
  readonly value: T;
  readonly transfer: Transferable[];
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
 * Lends an iteration, begun anew whenever the borrower begins. What it returns goes to the borrower.
 * @param refused what it is where something cannot cross
 */
export function lend<T>(begin: () => AsyncIterator<Carried<T>>, refused: 'BAD_PICTURE' | 'BAD_OPTION'): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data: port }: MessageEvent<MessagePort>) => hand(begin(), port, refused);
  return port2;
}

function hand(iterator: AsyncIterator<Carried<unknown>>, port: MessagePort, refused: ErrorCode): void {
  const say = (said: Handed, transfer: Transferable[] = []) => {
    try {
      port.postMessage(said, transfer);
    } catch (error) {
      throw uncrossable(refused, error);
    }
  };
  port.onmessage = async ({ data: wish }: MessageEvent<Wish>) => {
    try {
      if (wish === 'end') {
        port.close();
        await iterator.return?.();
        return;
      }
      const { value, done } = await iterator.next();
      if (done) say({ done });
      else say({ value: value.value }, value.transfer);
    } catch (error) {
      say({ error: FaceXFormerError.from(error).toJSON() }); // an iteration that has ended hears nothing
    }
  };
}

/** Goes through what was lent. @throws FaceXFormerError ABORTED, and what going through it on the other side throws */
export async function* borrowed<T>(lender: MessagePort, signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
  const { port1: port, port2 } = new MessageChannel();
  const tell = (wish: Wish) => port.postMessage(wish);
  lender.postMessage(port2, [port2]);
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
    tell('end');
    port.close();
  }
}
