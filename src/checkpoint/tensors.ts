/** What a model says of the tensors that it is made from. */
import type { TensorInfo } from './checkpoint.ts';

/** How numbers in [-1, 1) become a tensor's values: times `scale`, plus `offset`, and every so many-th element, from `first` on, `times` as much. */
export interface Drawn {
  readonly scale: number;
  readonly offset: number;
  readonly spikes?: { readonly every: number; readonly first: number; readonly times: number };
}

export interface DescribedTensor extends TensorInfo {
  /** Whether a checkpoint may lack it: the model defines what it holds, or does not read it. */
  readonly optional?: boolean;
  /** What an int64 buffer holds, where the model defines it. */
  readonly values?: BigInt64Array;
  /** How its seeded values are drawn; by its name and shape as any model's unless told otherwise. */
  readonly drawn?: Drawn;
}

/** Tensors by their names. */
export type TensorList = ReadonlyMap<string, DescribedTensor>;
