/** What the steps of a run hand out. */

/** Keeps a finding, and says it with the seconds since the start: what a step has found outlives it, should its time run out. */
export type Note = (name: string, value: unknown, words?: string) => void;
