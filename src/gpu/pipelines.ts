/** Compute pipelines, made asynchronously, each once: the same kernel with the same constants is the same pipeline. */
import { type Kernel, type Launch, pipelineKey, withMachine } from '../kernels/kernel.ts';
import { unrolled } from '../kernels/unroll.ts';
import { FaceXFormerError } from './errors.ts';

type AnyKernel = Pick<Kernel<never>, 'name' | 'wgsl'>;

export class Pipelines {
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(readonly device: GPUDevice) {}

  get(kernel: AnyKernel, launch: Pick<Launch, 'machine' | 'constants'>): Promise<GPUComputePipeline> {
    const key = pipelineKey(kernel, launch);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#make(kernel, launch);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #make(kernel: AnyKernel, { machine, constants }: Pick<Launch, 'machine' | 'constants'>): Promise<GPUComputePipeline> {
    const code = this.#written(withMachine(kernel, machine));
    let module = this.#modules.get(code);
    if (!module) {
      module = this.device.createShaderModule({ label: kernel.name, code });
      this.#modules.set(code, module);
    }
    try {
      return await this.device.createComputePipelineAsync({
        label: kernel.name,
        layout: 'auto',
        compute: { module, entryPoint: kernel.name, constants: { ...constants } },
      });
    } catch (error) {
      throw new FaceXFormerError('GPU_ERROR', await this.#whatFailed(kernel, module, code, error), { cause: error });
    }
  }

  /** Firefox, which names no vendor, and browsers on Apple's GPUs get all loops written out: their compilers do not unroll them. */
  #written(wgsl: string): string {
    return unrolled(wgsl, /^(apple)?$/.test(this.device.adapterInfo?.vendor ?? '') ? 'all' : 'marked');
  }

  /** The compiler's messages with the file's name, the line's number and its text. */
  async #whatFailed(kernel: AnyKernel, module: GPUShaderModule, code: string, error: unknown): Promise<string> {
    const lines = code.split('\n');
    const { messages } = await module.getCompilationInfo();
    const said = messages
      .filter((m) => m.type === 'error')
      .map((m) => `${kernel.name}.wgsl:${m.lineNum}: ${m.message}\n  ${around(lines[m.lineNum - 1], m.linePos)}`);
    return said.length > 0 ? said.join('\n') : `${kernel.name}.wgsl: ${error instanceof Error ? error.message : error}`;
  }
}

/** What of a line the compiler speaks of: in a package all of a shader is one line. */
const around = (line = '', at: number): string => line.slice(Math.max(0, at - 60), at + 60).trim();
