/**
 * The static graph: what is computed, in execution order, with no GPU in sight. A node is one dispatch of one kernel; its
 * inputs are tensors that earlier nodes made, parameters made from the checkpoint, or resources that whoever runs it owns.
 */
import type { Dtype, Kernel, Launch } from '../kernels/kernel.ts';

export interface Tensor {
  readonly kind: 'tensor';
  readonly name: string;
  /** The shape of all images together: the rows of one lie after those of the other. */
  readonly shape: readonly number[];
  /** float32 (or u32 where the kernel says so), or float16. */
  readonly dtype: Dtype;
  /** First element in what the node writes; 0 but for a part of it. */
  readonly offset: number;
  readonly node: Node;
}

/** A constant of the weights: made once from the checkpoint's tensors, in float32, stored as `dtype` says and kept on the GPU. */
export interface Parameter {
  readonly kind: 'parameter';
  /** Unique: the names it is made from, and what was done with them. */
  readonly name: string;
  /** Names of the checkpoint's tensors; none for constants that need no weights. */
  readonly from: readonly string[];
  readonly length: number;
  readonly dtype: Dtype;
  /** Writes the values, a few milliseconds' work between one step and the next, so that others may work meanwhile; `sources` in the order of `from`. */
  steps(into: Float32Array, sources: readonly Float32Array[]): Iterable<void>;
}

type Make<From, Made> = (into: Float32Array, sources: { readonly [I in keyof From]: Float32Array }) => Made;

/** How a parameter is made from tensors of these names: at once, or where it takes long by a generator that pauses every few milliseconds. */
export type Fill<From extends readonly string[] = readonly string[]> = Make<From, void> | Make<From, Generator<void>>;

/** A texture or buffer that whoever runs the graph makes and fills, under a name of the graph's choice: a picture, a table. */
export interface Resource {
  readonly kind: 'resource';
  readonly name: string;
}

export const resource = (name: string): Resource => ({ kind: 'resource', name });

/**
 * The numbers that a run is given (`Program.run`), as `array<u32>`: a buffer that the program writes before its dispatches. A kernel whose problem
 * follows the picture reads its sizes from here, so that they are constants of no pipeline, and computes its grid from the same numbers
 * (`Launch.workgroupsOf`).
 */
export const SIZES = resource('sizes');

export type Operand = Tensor | Parameter | Resource;

export interface Node {
  readonly name: string;
  readonly kernel: Pick<Kernel<never>, 'name' | 'wgsl' | 'bindings' | 'answer'>;
  readonly launch: Launch;
  /** What the launch was made from, so that another kernel of the role can be launched in its place. */
  readonly shape: unknown;
  /** What the kernel reads, in the order of its bindings, without the output. */
  readonly inputs: readonly Operand[];
  readonly output: Tensor;
}

/** A tensor to be read back under PyTorch's name. `shape` and `arrange`, which puts our layout into PyTorch's, are of one image. */
export interface Tap {
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly arrange?: ((values: Float32Array) => Float32Array) | undefined;
}

export const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** How many bytes an element takes. */
export const BYTES: Readonly<Record<Dtype, number>> = { f32: 4, f16: 2 };

export const bytesOf = ({ shape, dtype }: Pick<Tensor, 'shape' | 'dtype'>): number => elements(shape) * BYTES[dtype];

/** Elements of `whole` from `offset` on, under a shape of their own: no dispatch. */
export const part = (whole: Tensor, offset: number, shape: readonly number[]): Tensor => ({
  ...whole,
  offset: whole.offset + offset,
  shape,
});

export class Graph {
  readonly nodes: Node[] = [];
  /** What the graph is for: raw outputs by name. */
  readonly outputs = new Map<string, Tap>();
  /** Intermediates worth comparing with PyTorch's, by its names. */
  readonly taps = new Map<string, Tap>();
  readonly #parameters = new Map<string, Parameter>();

  /** @param images how many pictures a frame takes: every tensor holds the rows of all of them */
  constructor(readonly images = 1) {}

  /** Adds one dispatch; `inputs` by the kernel's binding names. Gives the output tensor of the given shape. */
  add<Shape>(
    name: string,
    kernel: Kernel<Shape>,
    shape: Shape,
    inputs: Record<string, Operand>,
    output: readonly number[],
    dtype: Dtype = 'f32',
  ): Tensor {
    const names = kernel.bindings.slice(0, -1).map((binding) => binding.name);
    const operands = names.flatMap((input) => inputs[input] ?? []);
    if (operands.length < names.length || Object.keys(inputs).length > names.length)
      throw new Error(`${name}: ${kernel.name} takes ${names}`);
    const tensor: Omit<Tensor, 'node'> & { node?: Node } = { kind: 'tensor', name, shape: output, dtype, offset: 0 };
    const node = { name, kernel, launch: kernel.launch(shape), shape, inputs: operands, output: tensor as Tensor };
    tensor.node = node;
    this.nodes.push(node);
    return node.output;
  }

  /** Adds a parameter, or gives the one that bears the name: two nodes share its buffer. */
  parameter<const From extends readonly string[]>(name: string, from: From, length: number, dtype: Dtype, make: Fill<From>): Parameter {
    const steps: Parameter['steps'] = (into, sources) => {
      const made = make(into, sources as never);
      return made && 'next' in made ? made : []; // what fills at once may give what it filled
    };
    const parameter = this.#parameters.get(name) ?? { kind: 'parameter', name, from, length, steps, dtype };
    if (parameter.length !== length || parameter.dtype !== dtype) throw new Error(`two parameters ${name}`);
    this.#parameters.set(name, parameter);
    return parameter;
  }

  /** @param shape of one image */
  output(name: string, tensor: Tensor, shape: readonly number[] = tensor.shape): void {
    this.outputs.set(name, { tensor, shape });
  }

  tap(name: string, tensor: Tensor, shape: readonly number[] = tensor.shape, arrange?: Tap['arrange']): void {
    this.taps.set(name, { tensor, shape, arrange });
  }
}
