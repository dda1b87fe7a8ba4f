/** An ONNX graph under construction: values with known shapes, nodes in execution order, and initializers. */
import type { TensorInfo } from '../src/checkpoint/checkpoint.ts';
import { FaceXFormerError } from '../src/gpu/errors.ts';

export type Shape = readonly number[];

/** A tensor in the graph: a node's output, the input or an initializer. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
}

/** Numbers without a fraction are written as INT attributes; a float attribute is given as `{ float }`. */
export type Attribute = number | { readonly float: number } | string | readonly number[];

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A tensor whose values are part of the file, known when the graph is built. */
export interface Constant extends Value {
  readonly data: Float32Array | BigInt64Array;
}

/** A float32 tensor of the file that is made of one tensor of the checkpoint, when that one is read. */
interface Weight extends Value {
  readonly tensor: string;
  readonly convert: (data: Float32Array) => Float32Array;
}

export const count = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Constant>();
  /** The weights by the checkpoint's tensor; a tensor is used in one layout only. */
  readonly weights = new Map<string, Weight>();
  readonly #tensors: ReadonlyMap<string, TensorInfo>;

  constructor(tensors: ReadonlyMap<string, TensorInfo>) {
    this.#tensors = tensors;
  }

  input(name: string, shape: Shape): Value {
    const value = { name, shape };
    this.inputs.push(value);
    return value;
  }

  /** Gives a value a name of its own and makes it an output. The node that computes it is renamed, nothing is added. */
  output(name: string, value: Value): void {
    const index = this.nodes.findIndex((node) => node.output === value.name);
    const node = this.nodes[index];
    if (!node || this.nodes.some((other) => other.inputs.includes(value.name)))
      throw new Error(`${name} must be the output of a node and feed no other`);
    this.nodes[index] = { ...node, output: name };
    this.outputs.push({ name, shape: value.shape });
  }

  node(op: string, inputs: readonly Value[], shape: Shape, attributes: Readonly<Record<string, Attribute>> = {}): Value {
    const output = `${op}_${this.nodes.length}`;
    this.nodes.push({ op, inputs: inputs.map((value) => value.name), output, attributes });
    return { name: output, shape };
  }

  /** A constant by content: asked for twice, it is in the file once. */
  constant(data: Float32Array | BigInt64Array, shape: Shape = [data.length]): Value {
    const kind = data instanceof Float32Array ? 'f32' : 'i64';
    const name = data.length <= 8 ? `${kind}[${shape}]:${Array.from(data, String)}` : `${kind}[${shape}]:${this.constants.size}`;
    if (!this.constants.has(name)) this.constants.set(name, { name, shape, data });
    return { name, shape };
  }

  /** A constant of many numbers, kept under a name of its own. */
  table(name: string, shape: Shape, make: () => Float32Array): Value {
    if (!this.constants.has(name)) this.constants.set(name, { name, shape, data: make() });
    return { name, shape };
  }

  scalar(value: number): Value {
    return this.constant(Float32Array.of(value), []);
  }

  indices(...values: number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt));
  }

  /**
   * A tensor of the checkpoint, in the layout `to` if the graph wants another.
   * Fails with WRONG_WEIGHTS if the checkpoint has no such tensor or has it in another shape.
   */
  weight(tensor: string, shape: Shape, to?: { readonly shape: Shape; readonly convert: Weight['convert'] }): Value {
    const info = this.#tensors.get(tensor);
    if (!info) throw new FaceXFormerError('WRONG_WEIGHTS', `The checkpoint has no tensor ${tensor}. Is it of the other form?`);
    if (info.shape.join() !== shape.join())
      throw new FaceXFormerError('WRONG_WEIGHTS', `${tensor} has shape [${info.shape}], and the model needs [${shape}].`);
    const weight = { name: tensor, tensor, shape: to?.shape ?? shape, convert: to?.convert ?? ((data: Float32Array) => data) };
    this.weights.set(tensor, weight);
    return weight;
  }
}
