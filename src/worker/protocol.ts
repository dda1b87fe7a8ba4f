/**
 * What page and worker say to each other. The page opens a channel with a `Greeting`; everything else goes through its port, so that an
 * app's own messages to the worker are not ours, nor ours its.
 */
import type { TensorInfo } from '../checkpoint/checkpoint.ts';
import type { DetectOptions, MtcnnOptions } from '../detect/mtcnn.ts';
import type { AnalyzeOptions, EngineInfo, LoadOptions, Progress, TuneOptions } from '../engine/options.ts';
import type { Task } from '../face/labels.ts';
import type { FaceXFormerError } from '../gpu/errors.ts';

/** Posted to the worker itself, once a channel. */
export interface Greeting {
  /** The page's version of the package: both sides must be of one. */
  readonly facexformer: string;
  readonly port: MessagePort;
}

/** An engine's options as they cross: callbacks and signals stay on the page; its checkpoint is read, and its `fetch` called, through a port. */
export type PostedLoadOptions = Omit<LoadOptions, 'weights' | 'signal' | 'onProgress' | 'device' | 'detector' | 'fetch'> & {
  readonly network: Network;
  readonly weights: LoadOptions['weights'] | PostedCheckpoint;
  readonly detector?: { readonly mtcnn: PostedDetectorOptions };
  readonly fetch?: MessagePort;
};

export type PostedDetectorOptions = Omit<MtcnnOptions, 'device' | 'signal'>;

export type PostedOptions = PostedLoadOptions | ({ readonly network: 'Mtcnn' } & PostedDetectorOptions);

/** A checkpoint that stays on the page. */
export interface PostedCheckpoint {
  readonly source: string;
  readonly posted: ReadonlyMap<string, TensorInfo>;
  readonly rereadable: boolean;
  /** Lends its tensors: see `lend`. */
  readonly port: MessagePort;
}

/** Which network an engine is of. */
export type Network = 'FaceXFormer' | 'SegFace';

/** What is asked of an engine. The `pictures` of `analyzeMany` are lent, and so are its answers. */
interface Calls {
  readonly detect: { readonly picture: unknown; readonly options: DetectOptions };
  readonly analyze: { readonly picture: unknown; readonly options: AnalyzeOptions };
  readonly analyzeMany: { readonly pictures: MessagePort; readonly options: AnalyzeOptions };
  readonly tune: { readonly options: TuneOptions };
  readonly plan: { readonly tasks: readonly Task[] | undefined; readonly faces: number | undefined };
  readonly profile: Calls['plan'];
}

/** A call of an engine, but for which. */
export type EngineCall = { [Call in keyof Calls]: { readonly call: Call } & Calls[Call] }[keyof Calls];

export type Load = { readonly call: 'load'; readonly options: PostedOptions; readonly key: string | undefined };
/** `engine` is the id of the call that loaded it. */
export type Run = EngineCall & { readonly engine: number };
/** What is not answered. */
export type Told = { readonly call: 'dispose'; readonly engine: number } | { readonly call: 'abort'; readonly id: number };

/** A call that `id` tells from others, or what is not answered. */
export type Request = ((Load | Run) & { readonly id: number }) | Told;

export type PostedError = ReturnType<FaceXFormerError['toJSON']>;

/**
 * What the worker says first, as if of a call 0: its version. Then of a call: its progress, and its end; of an engine, by the id of the call that loaded
 * it: that its GPU was lost, and then whether it has another; or that it refuses the channel.
 */
export type Reply =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PostedError }
  | { readonly engine: number; readonly lost: PostedError }
  | { readonly engine: number; readonly recovered: boolean }
  | { readonly refused: PostedError };

/** What loading answers: by which id it is asked, and of an engine what was loaded. */
export interface Loaded {
  readonly engine: number;
}

export interface LoadedEngine extends Loaded {
  readonly tasks: readonly Task[];
  readonly info: Omit<EngineInfo, 'form'>; // FaceXFormer's has it
}
