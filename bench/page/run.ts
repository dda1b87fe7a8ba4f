/** A run of the benchmark, as its phases know it. */
import type { BenchResult } from './result.ts';
import type { Settings } from './settings.ts';

/** How whoever starts a run hears of it, and ends it. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** What is being done, and how far it is: 0 to 1, or unknown. */
  readonly say?: ((phase: string, part?: number) => void) | undefined;
  /** What is known so far. */
  readonly onPart?: ((part: Partial<BenchResult>) => void) | undefined;
}

/** A run under way. */
export interface Run {
  readonly settings: Settings;
  readonly signal: AbortSignal | undefined;
  readonly say: NonNullable<RunOptions['say']>;
  /** Hands out what was found. */
  readonly add: (part: Partial<BenchResult>) => void;
}
