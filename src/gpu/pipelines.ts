/** Compute pipelines, made asynchronously, each once: the same kernel with the same constants is the same pipeline. */
import { type Grid, type KernelText, pipelineKey, type Written, withMachine } from '../kernels/kernel.ts';
import { unrolled } from '../kernels/unroll.ts';
import { FaceXFormerError, gpuError } from './errors.ts';
import { Pace } from './pace.ts';
import { refusalOf, silent } from './scope.ts';
import { isOfWgpu } from './vendor.ts';
import { PATIENCE, within } from './waiting.ts';

export class Pipelines {
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  /** When the compiler last gave a pipeline. */
  #answered = 0;

  constructor(
    readonly device: GPUDevice,
    /** Of the device's frames. */
    readonly pace = new Pace(),
  ) {}

  /** One that fails is asked for anew the next time. @throws FaceXFormerError GPU_ERROR */
  get(kernel: KernelText, launch: Written): Promise<GPUComputePipeline> {
    const key = pipelineKey(kernel, launch);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      this.#answered = performance.now();
      pipeline = this.#make(kernel, launch);
      this.#pipelines.set(key, pipeline);
      pipeline.then(
        () => {
          this.#answered = performance.now();
        },
        () => this.#pipelines.delete(key),
      );
    }
    return pipeline;
  }

  async #make(kernel: KernelText, { machine, constants }: Written): Promise<GPUComputePipeline> {
    const code = this.#written(withMachine(kernel, machine));
    let module = this.#modules.get(code);
    try {
      module ??= this.#moduleOf(kernel.name, code);
      const made = this.device.createComputePipelineAsync({
        label: kernel.name,
        layout: 'auto',
        compute: { module, entryPoint: kernel.name, constants: { ...constants } },
      });
      return await this.#inTime(made);
    } catch (error) {
      if (error instanceof FaceXFormerError) throw error;
      this.#modules.delete(code);
      throw gpuError(await this.#whatFailed(kernel, module, code, error), { cause: error });
    }
  }

  /** What is wrong with it the pipeline's failure says, and no console. */
  #moduleOf(label: string, code: string): GPUShaderModule {
    let module!: GPUShaderModule;
    void refusalOf(this.device, () => {
      module = this.device.createShaderModule({ label, code });
    });
    this.#modules.set(code, module);
    return module;
  }

  /** A compiler that works for long on many gives one now and then. */
  #inTime<T>(made: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      const look = () => {
        const left = this.#answered + PATIENCE.gpu - performance.now();
        if (left <= 0) reject(silent());
        else timer = setTimeout(look, left);
      };
      look();
    });
    return Promise.race([made, silence]).finally(() => clearTimeout(timer));
  }

  /** As the browser's compilers want it. On Windows Chrome gives HLSL to Microsoft's compiler, which unrolls no loop of it. */
  #written(wgsl: string): string {
    const { navigator, process } = globalThis as { readonly [of in 'navigator' | 'process']?: { readonly platform: string } }; // Node 20 has the second alone
    const { vendor } = this.device.adapterInfo ?? {};
    const unrollsNone = isOfWgpu(vendor) || vendor === 'apple' || /^win/i.test((navigator ?? process)?.platform ?? '');
    return unrolled(wgsl, unrollsNone ? 'all' : 'marked');
  }

  /** The compiler's messages with the file's name, the line's number and its text. */
  async #whatFailed(kernel: KernelText, module: GPUShaderModule | undefined, code: string, error: unknown): Promise<string> {
    const lines = code.split('\n');
    const info = module && within(PATIENCE.device, module.getCompilationInfo(), silent).catch(() => undefined);
    const said = ((await info)?.messages ?? [])
      .filter((m) => m.type === 'error')
      .map((m) => `${kernel.name}.wgsl:${m.lineNum}: ${m.message}\n  ${around(lines[m.lineNum - 1], m.linePos)}`);
    return said.length > 0 ? said.join('\n') : `${kernel.name}.wgsl: ${error instanceof Error ? error.message : error}`;
  }
}

/** A bind group of a pipeline, with resources in the order of its bindings. @param label what the browser calls it when it complains */
export function bindGroupOf(device: GPUDevice, label: string, pipeline: GPUComputePipeline, resources: readonly GPUBindingResource[]) {
  const entries = resources.map((resource, binding) => ({ binding, resource }));
  return device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
}

/** A texture of layers as kernels bind it. */
export const layersOf = (texture: GPUTexture): GPUTextureView => texture.createView({ dimension: '2d-array' });

/** Adds a dispatch to a pass. */
export function dispatch(pass: GPUComputePassEncoder, pipeline: GPUComputePipeline, bindGroup: GPUBindGroup, grid: Grid): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...grid);
}

/** What of a line the compiler speaks of: in a package all of a shader is one line. */
const around = (line = '', at: number): string => line.slice(Math.max(0, at - 60), at + 60).trim();
