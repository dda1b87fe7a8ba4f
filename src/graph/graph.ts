/**
 * The static graph: what is computed, in execution order, with no GPU in sight. A node is one dispatch of one kernel; its
 * inputs are tensors that earlier nodes made, parameters made from the checkpoint, or resources that the engine owns.
 */
import type { Kernel, Launch } from '../kernels/kernel.ts';

export interface Tensor {
  readonly kind: 'tensor';
  readonly name: string;
  /** Elements are 4 bytes each: float32, or u32 where the kernel says so. */
  readonly shape: readonly number[];
  readonly node: Node;
}

/** A constant of the weights: made once from the checkpoint's tensors, in float32, and kept on the GPU. */
export interface Parameter {
  readonly kind: 'parameter';
  /** Unique: the names it is made from, and what was done with them. */
  readonly name: string;
  /** Names of the checkpoint's tensors; none for constants that need no weights. */
  readonly from: readonly string[];
  readonly length: number;
  /** Writes the values; `sources` in the order of `from`. */
  fill(into: Float32Array, sources: readonly Float32Array[]): void;
}

/** A texture or buffer that the engine makes and fills itself: the picture and its resize table. */
export interface Resource {
  readonly kind: 'resource';
  readonly name: 'picture' | 'table';
}

export type Operand = Tensor | Parameter | Resource;

export interface Node {
  readonly name: string;
  readonly kernel: Pick<Kernel<never>, 'name' | 'wgsl' | 'bindings'>;
  readonly launch: Launch;
  /** In the order of the kernel's bindings, without the output. */
  readonly inputs: readonly Operand[];
  readonly output: Tensor;
}

/** A tensor to be read back under PyTorch's name. `arrange` puts our layout into PyTorch's where they differ. */
export interface Tap {
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly arrange?: ((values: Float32Array) => Float32Array) | undefined;
}

export const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export class Graph {
  readonly nodes: Node[] = [];
  /** What the graph is for: raw outputs by name. */
  readonly outputs = new Map<string, Tensor>();
  /** Intermediates worth comparing with PyTorch's, by its names. */
  readonly taps = new Map<string, Tap>();
  readonly #parameters = new Map<string, Parameter>();

  /** Adds one dispatch; `inputs` by the kernel's binding names. Gives the output tensor of the given shape. */
  add<Shape>(name: string, kernel: Kernel<Shape>, shape: Shape, inputs: Record<string, Operand>, output: readonly number[]): Tensor {
    const operands = kernel.bindings.slice(0, -1).map((binding) => {
      const operand = inputs[binding.name];
      if (!operand) throw new Error(`${name}: ${kernel.name} wants an input ${binding.name}`);
      return operand;
    });
    if (Object.keys(inputs).length !== operands.length) throw new Error(`${name}: ${kernel.name} takes ${operands.length} inputs`);
    const tensor = { kind: 'tensor', name, shape: output } as { kind: 'tensor'; name: string; shape: readonly number[]; node: Node };
    tensor.node = { name, kernel, launch: kernel.launch(shape), inputs: operands, output: tensor };
    this.nodes.push(tensor.node);
    return tensor;
  }

  /** The same name is the same parameter: two nodes share its buffer. */
  parameter(name: string, from: readonly string[], length: number, fill: Parameter['fill']): Parameter {
    const parameter = this.#parameters.get(name) ?? { kind: 'parameter', name, from, length, fill };
    if (parameter.length !== length) throw new Error(`parameter ${name} has two lengths: ${parameter.length} and ${length}`);
    this.#parameters.set(name, parameter);
    return parameter;
  }

  output(name: string, tensor: Tensor): void {
    this.outputs.set(name, tensor);
  }

  tap(name: string, tensor: Tensor, shape: readonly number[] = tensor.shape, arrange?: Tap['arrange']): void {
    this.taps.set(name, { tensor, shape, arrange });
  }
}
