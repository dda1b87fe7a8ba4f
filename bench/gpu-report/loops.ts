/** The instruction mix of a program's hottest part, from its assembly. */

/** What an instruction is for: multiply-adds, other vector arithmetic, workgroup memory, other memory, constants, control, waiting. */
export type Kind = 'fma' | 'vector' | 'workgroup' | 'memory' | 'constant' | 'scalar' | 'wait';

export interface Instruction {
  /** One, or two where the hardware issues a pair at once. */
  readonly kinds: readonly Kind[];
  /** The label that it may jump to. */
  readonly target?: string | undefined;
  /** Whether what stands behind it never runs next: a jump without a condition, the program's end. */
  readonly ends?: boolean;
}

export interface Program {
  readonly instructions: readonly Instruction[];
  /** Which instruction each label stands before. */
  readonly labels: ReadonlyMap<string, number>;
}

export interface Mix {
  readonly instructions: number;
  /** Multiply-adds of all vector instructions, 0 to 1. */
  readonly fmaShare: number;
  /** Multiply-adds for each access to workgroup memory, buffers or textures. */
  readonly fmaPerMemory: number;
}

/** Which instructions may run just before each one. */
function predecessors({ instructions, labels }: Program): number[][] {
  const before = instructions.map((_, i) => (i > 0 && !instructions[i - 1]?.ends ? [i - 1] : []));
  for (const [i, { target }] of instructions.entries()) before[labels.get(target ?? '') ?? -1]?.push(i);
  return before;
}

/**
 * A loop is what leads from where a jump backwards goes to the jump, wherever it lies: compilers lay code that leaves a loop among the
 * loop's own. Jumps to the same label are one loop; a jump back into code that is reached without passing its label is none.
 */
function loopsOf(program: Program): ReadonlySet<number>[] {
  const before = predecessors(program);
  const loops = new Map<number, Set<number>>();
  for (const [i, { target }] of program.instructions.entries()) {
    const first = program.labels.get(target ?? '');
    if (first === undefined || first > i) continue;
    const loop = new Set([first]);
    const reached = [i];
    for (let at = reached.pop(); at !== undefined; at = reached.pop()) {
      if (loop.has(at)) continue;
      loop.add(at);
      reached.push(...(before[at] ?? []));
    }
    if (first === 0 || !loop.has(0)) loops.set(first, new Set([...loop, ...(loops.get(first) ?? [])]));
  }
  return [...loops.values()];
}

const within = (inner: ReadonlySet<number>, outer: ReadonlySet<number>): boolean =>
  inner !== outer && [...inner].every((i) => outer.has(i));

/**
 * The loop with most multiply-adds of its own, those of loops inside it not counted. Where no loop has any, the whole program: it
 * is unrolled, or does no arithmetic.
 */
export function hottest(program: Program): Mix {
  const loops = loopsOf(program);
  const own = loops.map((loop) => {
    const inside = loops.filter((other) => within(other, loop));
    return program.instructions.filter((_, i) => loop.has(i) && !inside.some((other) => other.has(i)));
  });
  const fmas = (part: readonly Instruction[]) => count(part, 'fma');
  const hot = own.reduce((best, part) => (fmas(part) > fmas(best) ? part : best), [] as readonly Instruction[]);
  return mixOf(fmas(hot) > 0 ? hot : program.instructions);
}

function count(part: readonly Instruction[], ...kinds: readonly Kind[]): number {
  return part.reduce((sum, instruction) => sum + instruction.kinds.filter((kind) => kinds.includes(kind)).length, 0);
}

function mixOf(part: readonly Instruction[]): Mix {
  const fma = count(part, 'fma');
  return {
    instructions: part.length,
    fmaShare: fma / Math.max(1, count(part, 'fma', 'vector')),
    fmaPerMemory: fma / Math.max(1, count(part, 'workgroup', 'memory')),
  };
}
