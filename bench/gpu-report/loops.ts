/** The instruction mix of a program's hottest part, from its assembly. */

/** What an instruction is for: multiply-adds, other vector arithmetic, workgroup memory, other memory, constants, control, waiting. */
export type Kind = 'fma' | 'vector' | 'workgroup' | 'memory' | 'constant' | 'scalar' | 'wait';

export interface Instruction {
  /** One, or two where the hardware issues a pair at once. */
  readonly kinds: readonly Kind[];
  /** The label that it may jump to. */
  readonly target?: string;
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

interface Range {
  readonly first: number;
  readonly last: number;
}

/** A loop is a jump backwards; jumps to the same label are one loop, up to the last of them. */
function loopsOf({ instructions, labels }: Program): Range[] {
  const ends = new Map<number, number>();
  for (const [i, { target }] of instructions.entries()) {
    const first = target === undefined ? undefined : labels.get(target);
    if (first !== undefined && first <= i) ends.set(first, i); // instructions come in order: the last jump stays
  }
  return [...ends].map(([first, last]) => ({ first, last }));
}

const within = (inner: Range, outer: Range): boolean => inner !== outer && inner.first >= outer.first && inner.last <= outer.last;

/**
 * The loop with most multiply-adds of its own, those of loops inside it not counted. Where no loop has any, the whole program: it
 * is unrolled, or does no arithmetic.
 */
export function hottest(program: Program): Mix {
  const loops = loopsOf(program);
  const own = loops.map((loop) => {
    const inside = loops.filter((other) => within(other, loop));
    return program.instructions.filter(
      (_, i) => i >= loop.first && i <= loop.last && !inside.some(({ first, last }) => i >= first && i <= last),
    );
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
