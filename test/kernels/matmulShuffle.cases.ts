import { matmulShuffleOf } from '../../src/kernels/matmulShuffle.ts';
import { productCases, streamCases } from './product.ts';
import type { KernelCase } from './run.ts';

/** Subgroups of four are SwiftShader's, of eight lavapipe's, of 16 lavapipe's with LP_NATIVE_VECTOR_WIDTH=512: elsewhere a case is skipped. */
export const cases: KernelCase[] = [4, 8, 16].flatMap((lanes) =>
  [...productCases(matmulShuffleOf(lanes)), ...streamCases(matmulShuffleOf(lanes))].map((one) => ({
    ...one,
    name: `${lanes} lanes, ${one.name}`,
    features: [...(one.features ?? []), 'subgroups' as const],
    lanes,
  })),
);
