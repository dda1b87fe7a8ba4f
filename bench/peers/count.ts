/** Counts what a program asks of WebGPU, by wrapping the prototypes; for a browser, where every library goes through them. */

export interface GpuCalls {
  dispatches: number;
  passes: number;
  submits: number;
  bindGroups: number;
  buffers: number;
  bufferBytes: number;
  bufferWrites: number;
  copies: number;
  maps: number;
  pipelines: number;
}

const none = (): GpuCalls => ({
  dispatches: 0,
  passes: 0,
  submits: 0,
  bindGroups: 0,
  buffers: 0,
  bufferBytes: 0,
  bufferWrites: 0,
  copies: 0,
  maps: 0,
  pipelines: 0,
});

type Counted = Exclude<keyof GpuCalls, 'bufferBytes'>;

/** From now on every call is counted. The function that comes back gives the counts since it was last called. */
export function countGpuCalls(): () => GpuCalls {
  let calls = none();
  const count = (owner: object, method: string, what: Counted): void => {
    const original: unknown = Reflect.get(owner, method);
    if (typeof original !== 'function') return;
    const wrapped = function (this: unknown, ...args: unknown[]): unknown {
      calls[what]++;
      if (method === 'createBuffer') calls.bufferBytes += (args[0] as GPUBufferDescriptor).size;
      return Reflect.apply(original, this, args);
    };
    Object.defineProperty(owner, method, { value: wrapped, configurable: true, writable: true });
  };
  count(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches');
  count(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', 'dispatches');
  count(GPUCommandEncoder.prototype, 'beginComputePass', 'passes');
  for (const copy of ['copyBufferToBuffer', 'copyTextureToBuffer', 'copyBufferToTexture', 'copyTextureToTexture', 'clearBuffer'])
    count(GPUCommandEncoder.prototype, copy, 'copies');
  count(GPUQueue.prototype, 'submit', 'submits');
  count(GPUQueue.prototype, 'writeBuffer', 'bufferWrites');
  count(GPUDevice.prototype, 'createBindGroup', 'bindGroups');
  count(GPUDevice.prototype, 'createBuffer', 'buffers');
  count(GPUDevice.prototype, 'createComputePipeline', 'pipelines');
  count(GPUDevice.prototype, 'createComputePipelineAsync', 'pipelines');
  count(GPUBuffer.prototype, 'mapAsync', 'maps');
  return () => {
    const counted = calls;
    calls = none();
    return counted;
  };
}
