/** Cameras with a browser that is made up: what is said where there is none, and that none stays on that nobody waits for. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cameras, closeCamera, openCamera } from '../../src/video/camera.ts';

afterEach(() => vi.unstubAllGlobals());

const stream = () => {
  const track = { stopped: false, stop: () => (track.stopped = true) };
  return { track, getTracks: () => [track] };
};
const withCameras = (getUserMedia: (asked: object) => Promise<unknown>) =>
  vi.stubGlobal('navigator', {
    mediaDevices: {
      getUserMedia,
      enumerateDevices: async () => [
        { kind: 'audioinput', deviceId: 'm', label: 'a microphone' },
        { kind: 'videoinput', deviceId: 'a', label: 'the lid’s' },
        { kind: 'videoinput', deviceId: 'b', label: '' },
      ],
    },
  });

describe('a camera', () => {
  it.each([
    ['NotAllowedError', /was refused. Allow this page/],
    ['NotFoundError', /There is no camera/],
    ['NotReadableError', /Close the other program/],
    ['OverconstrainedError', /not there any more. Choose another one/],
    ['AbortError', /could not be opened: why/],
  ])('that fails with %s is NO_CAMERA, with what to do', async (name, message) => {
    withCameras(async () => {
      throw Object.assign(new Error('why'), { name });
    });
    await expect(openCamera()).rejects.toMatchObject({ code: 'NO_CAMERA', message: expect.stringMatching(message), cause: { name } });
  });

  it('for which a person is asked is not waited for after an abort, and goes off if it comes', async () => {
    const late = stream();
    let allow = (_: unknown) => {};
    withCameras(
      () =>
        new Promise((resolve) => {
          allow = resolve;
        }),
    );
    const stop = new AbortController();
    const opened = openCamera({ signal: stop.signal });
    stop.abort();
    await expect(opened).rejects.toMatchObject({ code: 'ABORTED' });
    allow(late);
    await vi.waitFor(() => expect(late.track.stopped).toBe(true));
  });

  it('is refused to pages that can have none', async () => {
    vi.stubGlobal('navigator', {});
    for (const ask of [openCamera, cameras]) await expect(ask()).rejects.toMatchObject({ code: 'NO_CAMERA' });
  });

  it('is asked for by its id, or by where it looks', async () => {
    const asked: object[] = [];
    withCameras(async (constraints) => {
      asked.push(constraints);
      return stream();
    });
    await openCamera();
    await openCamera({ facing: 'environment', width: 640 });
    await openCamera({ id: 'b' });
    await openCamera({ id: '' }); // as Firefox names every camera before the person's permission
    expect(asked).toEqual([
      { video: { width: { ideal: 1280 }, facingMode: 'user' } },
      { video: { width: { ideal: 640 }, facingMode: 'environment' } },
      { video: { width: { ideal: 1280 }, deviceId: { exact: 'b' } } },
      { video: { width: { ideal: 1280 }, facingMode: 'user' } },
    ]);
    expect(await cameras()).toEqual([
      { id: 'a', label: 'the lid’s' },
      { id: 'b', label: '' },
    ]);
  });

  it('that is allowed when nobody waits any more is switched off', async () => {
    const late = stream();
    const waiting = new AbortController();
    withCameras(async () => {
      waiting.abort();
      return late;
    });
    await expect(openCamera({ signal: waiting.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(late.track.stopped).toBe(true);
    await expect(openCamera({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('is switched off by closeCamera', () => {
    const open = stream();
    closeCamera(open as unknown as MediaStream);
    expect(open.track.stopped).toBe(true);
  });
});
