/**
 * What a kernel is: one WGSL file and the parts that it shares with others, its bindings as they declare them, and a function from a
 * problem's shape to constants and grid. Everything that kernels share is done here once; no kernel repeats any of it.
 */

import type { Answer } from './answer.ts';

/** Three numbers of workgroups, as dispatchWorkgroups takes them. */
export type Grid = readonly [number, number, number];

/** How numbers are stored; what is computed is float32 in either case. A kernel's `alias elem = f32;` is the type of its activations. */
export type Dtype = 'f32' | 'f16';

/** Numbers that come with a run, where a problem's sizes follow the picture; what each means is between the kernel and who runs it. */
export type Sizes = readonly number[];

export interface Launch {
  /** Values of the file's `override` constants, every one by name. */
  readonly constants: Readonly<Record<string, number>>;
  readonly workgroups: Grid;
  /**
   * The grid of one run, where it follows the run's sizes: at most `workgroups`, which is that of the largest problem that the buffers have room
   * for. A dimension of 0 runs nothing. The kernel reads the same sizes from the resource `sizes` (graph.ts).
   */
  readonly workgroupsOf?: ((sizes: Sizes) => Grid) | undefined;
  /** Replacements of the file's `const NAME = 64u;` machine-shape lines and `alias name = f32;` element types, by name. */
  readonly machine?: Readonly<Record<string, number | Dtype>>;
  /** Multiply-adds that the dispatch does, for the plan's totals. 0 for moves. */
  readonly macs: number;
}

export interface Binding {
  readonly name: string;
  readonly kind: 'read' | 'read_write' | 'texture';
}

export interface Kernel<Shape> {
  readonly name: string;
  /** The whole text: the kernel's own file, and the parts that it is joined from. */
  readonly wgsl: string;
  /** What it binds, in binding order; the last one is the output `y`. */
  readonly bindings: readonly Binding[];
  launch(shape: Shape): Launch;
  /** What it has to give. A kernel of a test may have none, and is not tried then. */
  readonly answer?: Answer<Shape> | undefined;
}

/** What a pipeline is made from: a kernel's text, and what its launch writes into it. */
export type KernelText = Pick<Kernel<never>, 'name' | 'wgsl'>;
export type Written = Pick<Launch, 'machine' | 'constants'>;

/** What shapes say whose problem is one of several pictures at once. */
export interface Images {
  /** How many images there are, whose numbers lie one after the other; 1 by default. */
  images?: number;
}

/** A kernel that may leave what it makes in shares, which a second dispatch sums. */
export interface InShares<Shape> {
  readonly kernel: Kernel<Shape>;
  /** Says in how many shares; 1 where one dispatch does it all. */
  sharesOf(shape: Shape): number;
}

/** WebGPU's default limit on workgroups per dimension of a dispatch. */
export const MAX_WORKGROUPS = 65_535;

const BINDING = /@group\(0\)\s*@binding\((\d+)\)\s*var(?:<storage,\s*(read|read_write)>)?\s*(\w+)\s*:/g;

/**
 * Binds WGSL to the function that gives constants and grid for a shape, and does nothing else: bundlers, which are told so, leave out what no app uses.
 * @param files the kernel's own file, or that and the parts (parts/) that it shares with others, as whole files that are joined in this order.
 *   WGSL takes declarations in any order; the kernel's own come first, because directives must, and so that a compiler's line numbers are its file's.
 */
/* @__NO_SIDE_EFFECTS__ */
export function defineKernel<Shape>(
  name: string,
  files: string | readonly string[],
  launch: (shape: Shape) => Launch,
  answer?: Answer<Shape>,
): Kernel<Shape> {
  const wgsl = typeof files === 'string' ? files : files.join('\n');
  const bindings: Binding[] = [];
  for (const [, index, access, binding] of wgsl.matchAll(BINDING))
    bindings[Number(index)] = { name: binding as string, kind: (access as 'read' | 'read_write' | undefined) ?? 'texture' };
  return {
    name,
    wgsl,
    bindings,
    answer,
    launch(shape) {
      const made = launch(shape);
      if (made.workgroups.some((n) => !Number.isInteger(n) || n < 1 || n > MAX_WORKGROUPS))
        throw new RangeError(`${name}: a grid of ${made.workgroups.join(' x ')} workgroups; each must be 1 to ${MAX_WORKGROUPS}`);
      return made;
    },
  };
}

/** What tells one pipeline from another: the kernel's name, its machine shape and its constants. */
export function pipelineKey(kernel: Pick<KernelText, 'name'>, { machine = {}, constants }: Written): string {
  const list = (record: object) =>
    Object.entries(record)
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(' ');
  return `${kernel.name} ${list(machine)} | ${list(constants)}`;
}

/** `ceil(a / b)`: how many tiles of b cover a. */
export const tiles = (a: number, b: number): number => Math.ceil(a / b);

/** The file with its machine-shape lines rewritten: another tile, another element type. Fails on a name the file lacks. */
export function withMachine(kernel: KernelText, machine: Launch['machine'] = {}): string {
  let text = kernel.wgsl;
  for (const [name, value] of Object.entries(machine)) {
    const [declared, now] =
      typeof value === 'number' ? [`const ${name} ?= ?\\d+u;`, `${value}u;`] : [`alias ${name} ?= ?f32;`, `${value};`];
    const line = new RegExp(`\\b${declared}`); // with spaces, as people write it, or without, as the package has it
    if (!line.test(text)) throw new Error(`${kernel.name}.wgsl has no line for ${name}`);
    text = text.replace(line, (was) => was.replace(/[^=\s]+$/, now));
  }
  return Object.values(machine).includes('f16') ? `enable f16;\n${text}` : text;
}

/** The file as one pipeline runs it: machine shape and override constants written in as values. For reading and for compilers. */
export function specialise(kernel: KernelText, { machine, constants }: Written): string {
  return withMachine(kernel, machine).replace(/\boverride (\w+): ?(\w+);/g, (_, name: string, type: string) => {
    const value = constants[name];
    if (value === undefined) throw new Error(`${kernel.name}.wgsl: no value for ${name}`);
    const literal = type === 'bool' ? String(value !== 0) : type === 'f32' && Number.isInteger(value) ? `${value}.0` : String(value);
    return `const ${name}: ${type} = ${literal};`;
  });
}
