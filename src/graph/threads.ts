/** How many threads a dispatch runs. */
import { type Kernel, type Launch, specialise } from '../kernels/kernel.ts';

const SIZES = /@workgroup_size\(([^)]+)\)/;
const CONSTANT = /\bconst (\w+)(?:: ?u32)? ?= ?([^;]+);/g;

/** The workgroups of the grid times the threads that the kernel's file gives each, as the machine shape has them. */
export function threadsOf({ kernel, launch }: { kernel: Pick<Kernel<never>, 'name' | 'wgsl'>; launch: Launch }): number {
  const text = specialise(kernel, launch);
  const constants = new Map([...text.matchAll(CONSTANT)].map(([, name, value]) => [name as string, value as string]));
  const sizes = (SIZES.exec(text)?.[1] ?? '1').split(',').filter((size) => size.trim() !== '');
  return [...launch.workgroups, ...sizes.map((size) => sizeOf(size, constants))].reduce((product, n) => product * n, 1);
}

/** Evaluates an expression of whole numbers, names of constants, brackets and the four operations, as WGSL has them. */
function sizeOf(expression: string, constants: ReadonlyMap<string, string>): number {
  const tokens = expression.match(/\w+|[-+*/%()]/g) ?? [];
  const atom = (): number => {
    const token = tokens.shift() as string;
    if (token === '(') {
      const value = sum();
      tokens.shift();
      return value;
    }
    const constant = constants.get(token);
    return constant === undefined ? Number.parseInt(token, 10) : sizeOf(constant, constants);
  };
  const product = (): number => {
    let value = atom();
    while (/^[*/%]$/.test(tokens[0] ?? '')) {
      const sign = tokens.shift();
      const by = atom();
      value = sign === '*' ? value * by : sign === '/' ? Math.floor(value / by) : value % by;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (/^[-+]$/.test(tokens[0] ?? '')) value += tokens.shift() === '+' ? product() : -product();
    return value;
  };
  return sum();
}
