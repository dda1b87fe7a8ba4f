/**
 * Everything that can go wrong by a caller's doing or a machine's, as one class with a stable code.
 * Programs branch on `code`; `message` says what was wrong and what to do.
 */
export type ErrorCode =
  /** The browser or runtime has no `navigator.gpu`, or the page is not in a secure context. */
  | 'WEBGPU_UNAVAILABLE'
  /** `requestAdapter` gave none, or the device could not be had. */
  | 'NO_ADAPTER'
  /** The machine cannot hold what was asked: a buffer, a texture, memory. */
  | 'LIMIT'
  /** The GPU was lost while work was under way; or for good, where the message says so. */
  | 'DEVICE_LOST'
  /** A kernel did not compile, or the GPU refused a command: a defect of ours or of the driver. */
  | 'GPU_ERROR'
  /** The picture cannot be read: wrong kind, not decodable, empty, or from another origin without permission. */
  | 'BAD_PICTURE'
  /** The camera was refused, is not there, or is used elsewhere. */
  | 'NO_CAMERA'
  /** The face box is not a box inside the picture. */
  | 'BAD_BOX'
  /** An option or argument has a value that has no meaning. */
  | 'BAD_OPTION'
  /** A task that does not exist, or that these weights do not know. */
  | 'UNKNOWN_TASK'
  /** The bytes are not a valid safetensors file. */
  | 'BAD_WEIGHTS_FILE'
  /** The file is valid, but its tensors are not the model's: missing, unknown, misshapen or of the wrong type. */
  | 'WRONG_WEIGHTS'
  /** The weights could not be fetched. */
  | 'WEIGHTS_UNREACHABLE'
  /** Other calls are not answered yet, and this one does not wait for them any more, or was not to. */
  | 'BUSY'
  /** The caller's signal was aborted. */
  | 'ABORTED'
  /** A call after `dispose()`. */
  | 'DISPOSED'
  /** The worker did not start, is of another version, or ended. */
  | 'WORKER_FAILED';

/** The one error that the engine throws: branch on its `code`, show its `message`; `cause` is what the browser said, if it said anything. */
export class FaceXFormerError extends Error {
  override readonly name = 'FaceXFormerError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /**
   * The error that another realm, a worker or JSON gave: `postMessage` loses an error's class and code, and `toJSON` keeps them. Whatever is
   * none of ours becomes a GPU_ERROR, a defect, with its own message.
   */
  static from(value: unknown): FaceXFormerError {
    let said = 'It cannot be read.';
    try {
      if (value instanceof FaceXFormerError) return value;
      const { name, code, message, cause } = Object(value) as Partial<FaceXFormerError>;
      if (name === 'FaceXFormerError' && typeof code === 'string' && typeof message === 'string')
        return new FaceXFormerError(code, message, cause === undefined ? undefined : { cause });
      said = typeof message === 'string' ? `${name}: ${message}` : String(value);
    } catch {} // a proxy that was revoked, say
    return new FaceXFormerError('GPU_ERROR', said, { cause: value });
  }

  /** What can be posted or written down of it; `FaceXFormerError.from` makes an error of it again. */
  toJSON(): { name: 'FaceXFormerError'; code: ErrorCode; message: string } {
    const { name, code, message } = this;
    return { name, code, message };
  }
}

/** What many places throw, by the name of its code. */
export const badOption = (message: string, options?: ErrorOptions): FaceXFormerError =>
  new FaceXFormerError('BAD_OPTION', message, options);

export const badPicture = (message: string, options?: ErrorOptions): FaceXFormerError =>
  new FaceXFormerError('BAD_PICTURE', message, options);

export const wrongWeights = (message: string, options?: ErrorOptions): FaceXFormerError =>
  new FaceXFormerError('WRONG_WEIGHTS', message, options);

export const gpuError = (message: string, options?: ErrorOptions): FaceXFormerError => new FaceXFormerError('GPU_ERROR', message, options);

/** What a buffer or a texture meets that does not fit. */
export const noMemory = (what: string, options?: ErrorOptions): FaceXFormerError =>
  new FaceXFormerError('LIMIT', `The GPU has no memory for ${what}.`, options);

/** What a call meets whose GPU went away. */
export const gpuLost = (why: unknown, options?: ErrorOptions): FaceXFormerError =>
  new FaceXFormerError('DEVICE_LOST', `The GPU was lost (${why}). Try again.`, options);

/** What a call meets that `dispose()` has overtaken. */
export const disposed = (): FaceXFormerError => new FaceXFormerError('DISPOSED', 'The engine was disposed. Load a new one.');

/** What a call meets whose signal was aborted. */
export const aborted = (cause: unknown): FaceXFormerError =>
  new FaceXFormerError('ABORTED', 'The call was aborted by its signal.', { cause });

/** @throws FaceXFormerError ABORTED, if the signal is aborted; its reason travels as `cause` */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason);
}

/** A signal that either of the two aborts. */
export function either(signal: AbortSignal | undefined, other: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, other]) : other;
}
