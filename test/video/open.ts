/** Counts what a page has open, by wrapping the prototypes, through which every call goes: VideoFrames, buffers and textures. */

export interface Open {
  readonly frames: number;
  /** Buffers and textures that were made and not destroyed, and the bytes of the buffers. */
  readonly gpu: number;
  readonly bytes: number;
}

/** From now on. What is open is kept from being collected, so that what nobody closed stays in the count. */
export function counting(): () => Open {
  const frames = new Set<VideoFrame>();
  const onGpu = new Map<object, number>();
  globalThis.VideoFrame = new Proxy(VideoFrame, {
    construct(target, told) {
      const made = Reflect.construct(target, told) as VideoFrame;
      frames.add(made);
      return made;
    },
  });
  after(VideoFrame.prototype, 'clone', (_, made) => frames.add(made));
  after(VideoFrame.prototype, 'close', (frame) => frames.delete(frame));
  after(GPUDevice.prototype, 'createBuffer', (_, made) => onGpu.set(made, made.size));
  after(GPUDevice.prototype, 'createTexture', (_, made) => onGpu.set(made, 0));
  for (const { prototype } of [GPUBuffer, GPUTexture]) after(prototype, 'destroy', (gone) => onGpu.delete(gone));
  return () => ({ frames: frames.size, gpu: onGpu.size, bytes: [...onGpu.values()].reduce((sum, size) => sum + size, 0) });
}

/** Does something after every call of a method. */
function after<Owner extends object, Method extends keyof Owner>(
  owner: Owner,
  method: Method,
  then: (self: Owner, made: Owner[Method] extends (...told: never[]) => infer Made ? Made : never) => unknown,
): void {
  const own = owner[method] as (...told: unknown[]) => never;
  owner[method] = function (this: Owner, ...told: unknown[]) {
    const made = own.apply(this, told);
    then(this, made);
    return made;
  } as Owner[Method];
}
