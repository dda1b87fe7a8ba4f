/** Counts what is asked of WebGPU from now on, by wrapping the prototypes, through which every call goes. */

const WATCHED = {
  creates: () => [
    ...['createBuffer', 'createTexture', 'createBindGroup', 'createBindGroupLayout', 'createPipelineLayout', 'createShaderModule'].map(
      (method) => [GPUDevice.prototype, method] as const,
    ),
    [GPUDevice.prototype, 'createComputePipeline'] as const,
    [GPUDevice.prototype, 'createComputePipelineAsync'] as const,
    [GPUDevice.prototype, 'createSampler'] as const,
    [GPUTexture.prototype, 'createView'] as const,
  ],
  encoders: () => [[GPUDevice.prototype, 'createCommandEncoder'] as const],
  passes: () => [[GPUCommandEncoder.prototype, 'beginComputePass'] as const],
  dispatches: () => [[GPUComputePassEncoder.prototype, 'dispatchWorkgroups'] as const],
  submits: () => [[GPUQueue.prototype, 'submit'] as const],
  maps: () => [[GPUBuffer.prototype, 'mapAsync'] as const],
};

export type Counts = Record<keyof typeof WATCHED, number> & { mostInFlight: number };

const none = (): Counts => ({ creates: 0, encoders: 0, passes: 0, dispatches: 0, submits: 0, maps: 0, mostInFlight: 0 });

/** The function that comes back gives the counts since it was last called. */
export function counting(): () => Counts {
  let counts = none();
  let inFlight = 0;
  for (const [what, methods] of Object.entries(WATCHED))
    for (const [owner, method] of methods()) {
      const original = Reflect.get(owner, method) as (...args: unknown[]) => unknown;
      const wrapped = function (this: unknown, ...args: unknown[]): unknown {
        counts[what as keyof Counts]++;
        const result = Reflect.apply(original, this, args);
        if (method === 'mapAsync') {
          counts.mostInFlight = Math.max(counts.mostInFlight, ++inFlight);
          const ended = () => inFlight--;
          (result as Promise<void>).then(ended, ended);
        }
        return result;
      };
      Object.defineProperty(owner, method, { value: wrapped, configurable: true, writable: true });
    }
  return () => {
    const counted = counts;
    counts = none();
    return counted;
  };
}
