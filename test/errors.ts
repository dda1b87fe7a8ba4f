/** What calls fail with. */
import { FaceXFormerError } from '../src/gpu/errors.ts';

/** The code of the engine's error that a call throws, or that its promise rejects with; any other error itself; `nothing` where it ends well. */
export function codeOf(call: () => unknown): unknown {
  try {
    const given = call();
    return given instanceof Promise ? given.then(() => 'nothing', codeIn) : 'nothing';
  } catch (error) {
    return codeIn(error);
  }
}

const codeIn = (error: unknown): unknown => (error instanceof FaceXFormerError ? error.code : error);
