/** Cameras: which there are, and one of them opened, with what a person can do where that fails. */
import { FaceXFormerError, throwIfAborted } from '../gpu/errors.ts';
import { given, optionsOf, said } from '../gpu/given.ts';
import { unless } from '../gpu/waiting.ts';

/** A camera of the machine. */
export interface Camera {
  readonly id: string;
  /** What the system calls it; empty until the page may use a camera. */
  readonly label: string;
}

/** What `openCamera` takes. */
export interface CameraOptions {
  /** One of `cameras()`. */
  id?: string | undefined;
  /** Which way it looks, where a machine has several: `user`, the default, at whoever holds it. */
  facing?: 'user' | 'environment' | undefined;
  /** Pixels that are wanted; 1280 unless given. The camera gives what it can. */
  width?: number | undefined;
  /** Ends the waiting for the person's permission with ABORTED. */
  signal?: AbortSignal | undefined;
}

const CAMERA_OPTIONS = { id: 'any', facing: ['user', 'environment'], width: 'count', signal: 'signal' } as const;

const WHY: Readonly<Record<string, string>> = {
  NotAllowedError: 'The camera was refused. Allow this page to use it in the browser’s address bar, and in the system’s settings.',
  NotFoundError: 'There is no camera. Connect one.',
  NotReadableError: 'The camera cannot be read. Close the other program that uses it.',
  OverconstrainedError: 'That camera is not there any more. Choose another one of cameras().',
};

function devices(): MediaDevices {
  const found = globalThis.navigator?.mediaDevices;
  if (found) return found;
  throw new FaceXFormerError('NO_CAMERA', 'This page can have no camera: it needs https or localhost, and is no worker.');
}

/** The cameras of the machine. @throws FaceXFormerError NO_CAMERA where a page can have none */
export async function cameras(): Promise<Camera[]> {
  const all = await devices()
    .enumerateDevices()
    .catch((error: unknown) => {
      throw new FaceXFormerError('NO_CAMERA', `The browser does not say which cameras there are: ${said(error)}`, { cause: error });
    });
  return all.flatMap(({ kind, deviceId: id, label }) => (kind === 'videoinput' ? [{ id, label }] : []));
}

/**
 * Asks for a camera. Its stream is the caller's, who ends it by `closeCamera`.
 * @throws FaceXFormerError NO_CAMERA: refused, not there, or in use elsewhere; ABORTED, BAD_OPTION
 */
export async function openCamera(options: CameraOptions = {}): Promise<MediaStream> {
  const { id, facing = 'user', width = 1280, signal } = optionsOf<CameraOptions>('openCamera', CAMERA_OPTIONS, options);
  throwIfAborted(signal);
  const video: MediaTrackConstraints = {
    width: { ideal: width },
    ...(id ? { deviceId: { exact: id } } : { facingMode: facing }), // before the person's permission browsers call each camera ''
  };
  const asked = devices().getUserMedia({ video });
  try {
    return await unless(signal, asked);
  } catch (error) {
    asked.then(closeCamera, () => {}); // a person may allow it later
    if (error instanceof FaceXFormerError) throw error;
    throw new FaceXFormerError('NO_CAMERA', WHY[Object(error).name] ?? `The camera could not be opened: ${said(error)}`, { cause: error });
  }
}

/** Switches a camera off. @throws FaceXFormerError BAD_OPTION: it is none */
export const closeCamera = (stream: MediaStream): void =>
  given('closeCamera() takes what openCamera() gave.', () => {
    for (const track of stream.getTracks()) track.stop();
  });
