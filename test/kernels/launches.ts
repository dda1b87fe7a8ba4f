/** Which pipelines a case asks for, found without a GPU: the case runs on a stand-in device that notes its first pipeline and stops there. */
import type { KernelCase } from './run.ts';

export interface AskedPipeline {
  /** Entry point, which is the kernel's name. */
  kernel: string;
  code: string;
  constants: Readonly<Record<string, number>>;
}

/** The pipelines asked for by running the cases; their inputs are made, nothing is computed. */
export async function pipelinesAskedBy(cases: readonly KernelCase[]): Promise<AskedPipeline[]> {
  const asked: AskedPipeline[] = [];
  for (const one of cases) {
    const before = asked.length;
    const stopped: unknown = await one.run(standIn(asked)).catch((error: unknown) => error);
    if (asked.length === before) throw new Error(`the case ${one.name} asked for no pipeline`, { cause: stopped });
  }
  return asked;
}

function standIn(asked: AskedPipeline[]): GPUDevice {
  const resource = () => ({ destroy() {}, createView: () => ({}) });
  const device = {
    adapterInfo: { vendor: 'none' }, // with loops as they are
    createTexture: resource,
    createBuffer: resource,
    queue: { writeTexture() {}, writeBuffer() {} },
    pushErrorScope() {},
    popErrorScope: async () => null,
    createShaderModule: ({ code }: { code: string }) => ({ code, getCompilationInfo: async () => ({ messages: [] }) }),
    async createComputePipelineAsync({
      compute,
    }: {
      compute: { module: { code: string }; entryPoint: string; constants: Record<string, number> };
    }) {
      asked.push({ kernel: compute.entryPoint, code: compute.module.code, constants: compute.constants });
      throw new Error('noted');
    },
  };
  return device as unknown as GPUDevice;
}
