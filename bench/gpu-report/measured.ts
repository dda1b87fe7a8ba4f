/** What a GPU's compiler says of one pipeline. */

/** Numbers by their names; which names there are depends on the compiler. */
export type Figures = Readonly<Record<string, number>>;

export interface Measured {
  readonly figures: Figures;
  /** The compiler as it describes itself, with its version. */
  readonly driver: string;
}
