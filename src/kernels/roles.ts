/**
 * Which kernel computes what on which kind of GPU, as one table: a role a row, a kind of GPU a column. Which is fast is a property of the adapter, and
 * the model's files do not know it: kernels of one role take the same shapes and bindings and give the same tensors. A new variant is a file and a cell.
 */
import { convInTime } from './conv/conv.ts';
import { convRegisters, convRegistersSmall } from './conv/convRegisters.ts';
import { convSubgroup, convSubgroup8 } from './conv/convSubgroup.ts';
import { desktopConv } from './conv/desktop.ts';
import type { ConvShape } from './conv/role.ts';
import { type DepthwiseShape, depthwise, depthwiseSmall } from './depthwise.ts';
import { type EmbedShape, embed, embedSmall, embedWide } from './embed.ts';
import { type FaceUpdateShape, faceUpdate, faceUpdateInTime, faceUpdateSmall } from './faceUpdate.ts';
import { type InstanceNormShape, instanceNorm, instanceNormSmall } from './instanceNorm.ts';
import type { InShares, Kernel } from './kernel.ts';
import { desktopMatmul } from './matmul/desktop.ts';
import { matmulWith, tileOf } from './matmul/matmul.ts';
import { matmulRegisters, matmulRegistersSmall } from './matmul/matmulRegisters.ts';
import { matmulSubgroup, matmulSubgroup8 } from './matmul/matmulSubgroup.ts';
import type { MatmulShape } from './matmul/role.ts';
import { type MlpHeadShape, mlpHead, mlpHeadSmall } from './mlpHead.ts';
import { type ParseShape, parse, parseByColumn, parseInTime, parseSmall } from './parse.ts';
import { sharesOf, type TaskToFaceShape, taskToFace } from './taskToFace.ts';
import { directSharesOf, taskToFaceDirect } from './taskToFaceDirect.ts';
import { type TokenUpdateShape, tokenUpdate, tokenUpdateSmall } from './tokenUpdate.ts';
import type { WindowAttentionShape } from './windowAttention/role.ts';
import { windowAttention } from './windowAttention/windowAttention.ts';
import { windowAttentionDirect } from './windowAttention/windowAttentionDirect.ts';
import { windowAttentionScores } from './windowAttention/windowAttentionScores.ts';

export interface GpuKernels {
  /** In shares of `inner`. */
  readonly matmul: InShares<MatmulShape>;
  /** Convolutions of the paper form's hourglass and of encoders, in shares of the inner index. */
  readonly conv: InShares<ConvShape>;
  readonly windowAttention: Kernel<WindowAttentionShape>;
  /** In shares of the keys. */
  readonly taskToFace: InShares<TaskToFaceShape>;
  readonly embed: Kernel<EmbedShape>;
  readonly depthwise: Kernel<DepthwiseShape>;
  readonly faceUpdate: Kernel<FaceUpdateShape>;
  readonly instanceNorm: Kernel<InstanceNormShape>;
  readonly mlpHead: Kernel<MlpHeadShape>;
  readonly parse: Kernel<ParseShape>;
  readonly tokenUpdate: Kernel<TokenUpdateShape>;
}

/**
 * Kinds of GPU that want other kernels: desktop GPUs of 100 processors and more, and smaller ones, as those of laptops are; Apple's, Intel's,
 * Adreno and Mali of phones; CPUs that run WebGPU, and those whose subgroups are known to be of exactly four lanes (SwiftShader) or eight (lavapipe).
 */
export const KINDS = ['desktop', 'laptop', 'apple', 'intel', 'adreno', 'mali', 'software', 'subgroup', 'subgroup8'] as const;
export type Kind = (typeof KINDS)[number];

/** One dispatch makes a product or convolution: so few processors have enough to do with its tiles. */
const whole = <Shape>(kernel: Kernel<Shape>): InShares<Shape> => ({ kernel, sharesOf: () => 1 });

/** Tiles are in workgroup memory and a step is read ahead, for which registers are enough. */
const laptop: GpuKernels = {
  matmul: whole(desktopMatmul.kernel),
  conv: whole(desktopConv.kernel),
  windowAttention,
  taskToFace: { kernel: taskToFace, sharesOf },
  embed,
  depthwise,
  faceUpdate,
  instanceNorm,
  mlpHead,
  parse,
  tokenUpdate,
};

/** A step's weights are read when it is due. */
const inTime = { faceUpdate: faceUpdateInTime, parse: parseInTime };

/** Workgroup memory is ordinary memory there: operands straight from storage, and scores in it only where sums would fill the registers. */
const adreno: GpuKernels = {
  ...laptop,
  matmul: whole(matmulRegisters),
  conv: whole(convRegisters),
  windowAttention: windowAttentionScores,
  depthwise: depthwiseSmall,
  instanceNorm: instanceNormSmall,
  ...inTime,
};

/** A barrier switches threads on a CPU, workgroup memory is memory, and a load of eight lanes is eight loads. */
const software: GpuKernels = {
  ...adreno,
  windowAttention: windowAttentionDirect,
  taskToFace: { kernel: taskToFaceDirect, sharesOf: directSharesOf },
  depthwise,
  embed: embedSmall,
  mlpHead: mlpHeadSmall,
  tokenUpdate: tokenUpdateSmall,
};

export const ROLES: Readonly<Record<Kind, GpuKernels>> = {
  desktop: { ...laptop, matmul: desktopMatmul, conv: desktopConv, embed: embedWide },
  laptop,
  // Threads have 128 registers at most: a step is read when it is due.
  apple: { ...laptop, matmul: whole(matmulWith(() => tileOf('32x64', '4x4', true))), conv: whole(convInTime), ...inTime },
  // Compilers give a thread of 16 lanes 64 registers, or of 8 lanes 128: tiles of 7 x 8 spill hundreds of values there, those of 4 x 4 none.
  intel: { ...adreno, matmul: whole(matmulRegistersSmall), parse: parseByColumn },
  adreno,
  mali: {
    ...adreno,
    matmul: whole(matmulRegistersSmall),
    conv: whole(convRegistersSmall),
    embed: embedSmall,
    faceUpdate: faceUpdateSmall,
    parse: parseSmall,
  },
  software,
  // A workgroup is one subgroup or needs none: no barrier, and no workgroup memory, whose every number takes as long to compile as a row of a kernel.
  subgroup: { ...software, matmul: whole(matmulSubgroup), conv: whole(convSubgroup) },
  subgroup8: { ...software, matmul: whole(matmulSubgroup8), conv: whole(convSubgroup8) },
};

/** The kinds that are no CPUs. */
export const GPUS = KINDS.filter((kind) => !/^(software|subgroup)/.test(kind));

/** What the tuner may choose from: the kernels of a role on all GPUs, each once. */
export const PRODUCTS = [...new Set(GPUS.map((kind) => ROLES[kind].matmul.kernel))];
export const WINDOW_ATTENTIONS = [...new Set(GPUS.map((kind) => ROLES[kind].windowAttention))];

/**
 * The kind of a vendor's GPUs, by its name as WebGPU has it. PowerVR and VideoCore are of phones and boards as small: they get the kernels that need the
 * fewest registers. Samsung's Xclipse is AMD's RDNA with a laptop's few processors.
 */
const BY_VENDOR: Readonly<Record<string, Kind>> = {
  qualcomm: 'adreno',
  arm: 'mali',
  'img-tec': 'mali',
  broadcom: 'mali',
  samsung: 'laptop',
  intel: 'intel',
  apple: 'apple',
};

/**
 * Architectures, as WebGPU names them, most of whose GPUs have a quarter of the processors for which products are shared, and a cache of 6 MB or less:
 * there shares cost more, as they are written to memory and read, than the threads bring that they give. Those after them have caches of 12 MB and more.
 */
const SMALL = /^(fermi|kepler|maxwell|pascal|turing|ampere|gcn-\d|rdna-1)$/;

/** The kind of a GPU by vendor and architecture; every one that is not known is a desktop's. @param lanes of every subgroup, where that is known */
export function kindOf(
  { vendor, architecture = '', software = false }: { vendor: string; architecture?: string; software?: boolean },
  lanes?: number,
): Kind {
  if (software) return lanes === 4 ? 'subgroup' : lanes === 8 ? 'subgroup8' : 'software';
  return BY_VENDOR[vendor] ?? (SMALL.test(architecture) ? 'laptop' : 'desktop');
}
