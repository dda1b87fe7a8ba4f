/**
 * The plan: pure data made from a graph. Which dispatches a set of outputs needs, in order, and in which buffer each tensor
 * lives. It prints one line a dispatch, and that print is the best description of what a frame does.
 */

import { type Dtype, type Launch, pipelineKey } from '../kernels/kernel.ts';
import { BYTES, bytesOf, type Graph, type Node, type Operand, type Parameter, type Resource, type Tap, type Tensor } from './graph.ts';

/** Where an operand of a dispatch is: a buffer of the pool, a parameter's own buffer, or a resource that the run is given. */
export type Place = Slot | Parameter | Resource;

export interface Slot {
  readonly kind: 'slot';
  readonly slot: number;
  readonly offset: number;
  readonly bytes: number;
  readonly dtype: Dtype;
}

export interface Dispatch {
  readonly node: string;
  readonly kernel: Node['kernel'];
  readonly launch: Launch;
  /** What the launch was made from. */
  readonly shape: unknown;
  /** One place a binding, in binding order; the last is the output's slot. */
  readonly places: readonly Place[];
  readonly output: readonly number[];
  /** Floating-point operations: two a multiply-add. */
  readonly flops: number;
  /** Bytes of every operand once: what the dispatch must move at least. */
  readonly bytes: number;
}

/** A tensor that is read back after a frame: `bytes` of a slot from `offset` on, those of all images. */
export interface Readback extends Omit<Tap, 'tensor'>, Omit<Slot, 'kind'> {
  readonly name: string;
}

/** What a frame does, as data: no GPU is needed to make one. `printPlan` and `planJson` show it. */
export interface Plan {
  /** How many pictures a frame takes. */
  readonly images: number;
  readonly dispatches: readonly Dispatch[];
  /** Bytes of each buffer of the pool. */
  readonly slots: readonly number[];
  readonly parameters: readonly Parameter[];
  readonly readbacks: readonly Readback[];
  readonly totals: {
    readonly dispatches: number;
    readonly pipelines: number;
    readonly macs: number;
    readonly flops: number;
    readonly bytes: number;
    readonly activationBytes: number;
    readonly weightBytes: number;
    readonly readbackBytes: number;
  };
}

/** Chooses how a node is computed: as the graph has it, or by another kernel of its role. */
export type Choose = (node: Pick<Node, 'kernel' | 'launch' | 'shape'>) => Pick<Node, 'kernel' | 'launch'>;

/** A binding begins at a multiple of this many bytes. */
export const BINDING_ALIGNMENT = 256;

/** How long a node's output is needed: from the dispatch that writes it to the last that reads it. */
interface Lifetime {
  readonly node: Node;
  readonly bytes: number;
  readonly first: number;
  last: number;
  /** The nodes that read it. */
  readonly readers: Set<Node>;
}

/** A tensor's range in one of the pool's buffers. */
interface Range {
  readonly life: Lifetime;
  readonly slot: number;
  readonly offset: number;
}

/**
 * @param outputs names of the graph's outputs; what none of them needs is not in the plan
 * @param taps names of taps to keep for reading, besides
 * @param choose the graph's own kernels unless told otherwise
 */
export function makePlan(graph: Graph, outputs: readonly string[], taps: readonly string[] = [], choose: Choose = (node) => node): Plan {
  const wanted: ({ name: string } & Tap)[] = [
    ...outputs.map((name) => ({ name, ...find(graph.outputs, name, 'output') })),
    ...taps.map((name) => ({ name, ...find(graph.taps, name, 'tap') })),
  ];
  const tensors = wanted.map(({ tensor }) => tensor);
  const nodes = neededBy(graph, tensors);
  const { rangeOf, slots } = assignRanges(lifetimesOf(nodes, tensors));
  const dispatches = nodes.map((node) => dispatchOf(node, choose(node), rangeOf));
  const parameters = [...new Set(nodes.flatMap(({ inputs }) => inputs.filter((x): x is Parameter => x.kind === 'parameter')))];
  const readbacks = wanted.map(({ name, tensor, shape, arrange }) => ({
    name,
    shape,
    arrange,
    ...placeOf(tensor, rangeOf),
  }));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return {
    images: graph.images,
    dispatches,
    slots,
    parameters,
    readbacks,
    totals: {
      dispatches: dispatches.length,
      pipelines: new Set(dispatches.map(({ kernel, launch }) => pipelineKey(kernel, launch))).size,
      macs: sum(dispatches.map(({ launch }) => launch.macs)),
      flops: sum(dispatches.map(({ flops }) => flops)),
      bytes: sum(dispatches.map(({ bytes }) => bytes)),
      activationBytes: sum(slots),
      weightBytes: sum(parameters.map(parameterBytes)),
      readbackBytes: sum(readbacks.map(({ bytes }) => bytes)),
    },
  };
}

function find<T>(from: ReadonlyMap<string, T>, name: string, what: string): T {
  const found = from.get(name);
  if (!found) throw new Error(`the graph has no ${what} ${name}`);
  return found;
}

/** The nodes that the wanted tensors depend on, in the graph's order. */
function neededBy(graph: Graph, wanted: readonly Tensor[]): Node[] {
  const needed = new Set<Node>(wanted.map(({ node }) => node));
  for (const node of graph.nodes.toReversed())
    if (needed.has(node)) for (const input of node.inputs) if (input.kind === 'tensor') needed.add(input.node);
  return graph.nodes.filter((node) => needed.has(node));
}

/** What is read back lives to the end. A part of a tensor is its node's output still. */
function lifetimesOf(nodes: readonly Node[], kept: readonly Tensor[]): Lifetime[] {
  const lifetimes = new Map<Node, Lifetime>();
  for (const [i, node] of nodes.entries()) {
    for (const input of node.inputs) {
      if (input.kind !== 'tensor') continue;
      const life = lifetimes.get(input.node) as Lifetime;
      life.last = i;
      life.readers.add(node);
    }
    lifetimes.set(node, { node, bytes: bytesOf(node.output), first: i, last: i, readers: new Set() });
  }
  for (const { node } of kept) (lifetimes.get(node) as Lifetime).last = nodes.length;
  return [...lifetimes.values()];
}

/**
 * Greedy by size: the largest tensor first, each into the first buffer that has room for it while it lives. Several buffers, and not
 * ranges of one: WebGPU lets no dispatch read and write the same buffer.
 */
function assignRanges(lifetimes: readonly Lifetime[]): { rangeOf: Map<Node, Range>; slots: number[] } {
  const slots: { bytes: number; ranges: Range[] }[] = [];
  const rangeOf = new Map<Node, Range>();
  for (const life of lifetimes.toSorted((a, b) => b.bytes - a.bytes)) {
    let slot = slots.findIndex(({ bytes, ranges }) => room(life, bytes, ranges) !== undefined);
    if (slot < 0) slot = slots.push({ bytes: life.bytes, ranges: [] }) - 1;
    const { bytes, ranges } = slots[slot] as (typeof slots)[number];
    const range: Range = { life, slot, offset: room(life, bytes, ranges) as number };
    ranges.push(range);
    rangeOf.set(life.node, range);
  }
  return { rangeOf, slots: slots.map(({ bytes }) => bytes) };
}

/** The lowest offset in a buffer where a tensor fits beside those that live at the same time; none where a dispatch would read and write it. */
function room(life: Lifetime, bytes: number, ranges: readonly Range[]): number | undefined {
  if (ranges.some(({ life: other }) => other.readers.has(life.node) || life.readers.has(other.node))) return undefined;
  const beside = ranges.filter(({ life: { first, last } }) => first <= life.last && last >= life.first);
  const ends = beside.map((range) => Math.ceil((range.offset + range.life.bytes) / BINDING_ALIGNMENT) * BINDING_ALIGNMENT);
  return [0, ...ends]
    .toSorted((a, b) => a - b)
    .find((offset) => offset + life.bytes <= bytes && beside.every((range) => apart(range, offset, life.bytes)));
}

const apart = ({ offset, life }: Range, other: number, bytes: number): boolean => other >= offset + life.bytes || offset >= other + bytes;

function placeOf(tensor: Tensor, rangeOf: ReadonlyMap<Node, Range>): Omit<Slot, 'kind'> {
  const { slot, offset } = rangeOf.get(tensor.node) as Range;
  return { slot, offset: offset + tensor.offset * BYTES[tensor.dtype], bytes: bytesOf(tensor), dtype: tensor.dtype };
}

export const parameterBytes = ({ length, dtype }: Parameter): number => length * BYTES[dtype];

function dispatchOf(
  { name, shape, inputs, output }: Node,
  { kernel, launch }: ReturnType<Choose>,
  rangeOf: ReadonlyMap<Node, Range>,
): Dispatch {
  const place = (operand: Operand): Place => (operand.kind === 'tensor' ? { kind: 'slot', ...placeOf(operand, rangeOf) } : operand);
  const bytes = (operand: Operand): number =>
    operand.kind === 'tensor' ? bytesOf(operand) : operand.kind === 'parameter' ? parameterBytes(operand) : 0;
  const operands = [...new Set<Operand>(inputs), output];
  return {
    node: name,
    kernel,
    launch,
    shape,
    places: [...inputs, output].map(place),
    output: output.shape,
    flops: 2 * launch.macs,
    bytes: operands.reduce((sum, operand) => sum + bytes(operand), 0),
  };
}
