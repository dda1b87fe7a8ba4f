/** What a checkpoint is to the rest of the engine: named tensors, listed first, then read once each in the file's order; and what a model says of its own. */

/** Element types of the safetensors format that files of weights may hold. */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U16' | 'U8' | 'BOOL' | OtherDtype;
/** Known to the format, held by no checkpoint of this model. */
export type OtherDtype = 'F4' | 'F6_E2M3' | 'F6_E3M2' | 'F8_E5M2' | 'F8_E4M3' | 'F8_E8M0' | 'F8_E4M3FNUZ' | 'F8_E5M2FNUZ' | 'C64';

/** What a file's header says of a tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes that the tensor's data takes. */
  readonly bytes: number;
}

/** What `Checkpoint.read` takes. */
export interface ReadOptions {
  signal?: AbortSignal | undefined;
  /** Called as bytes arrive: bytes read so far and bytes in all (data, without the header). */
  onProgress?: ((loaded: number, total: number) => void) | undefined;
}

/** Weights that were opened: what tensors there are, and a way to read them. Made by `openCheckpoint` and `seededCheckpoint`. */
export interface Checkpoint {
  /** Where the weights are from, for messages and for result files: an address, a file name, or `seeded 20240319`. */
  readonly source: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * Every tensor once, in the file's order. `data` belongs to the receiver only until it asks for the next one.
   * May be called again if the source can be read again (`rereadable`).
   */
  read(options?: ReadOptions): AsyncIterable<{ info: TensorInfo; data: Uint8Array }>;
  readonly rereadable: boolean;
}

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
