/** Every kernel reads and writes what lies in its buffers: float16 is never taken for float32, nor the other way round. */
import { describe, expect, it } from 'vitest';
import { type Form, tensorsOf } from '../../src/checkpoint/manifest.ts';
import type { Graph, Node } from '../../src/graph/graph.ts';
import { adrenoKernels, maliKernels, softwareKernels } from '../../src/kernels/registers.ts';
import { gpuKernels } from '../../src/kernels/set.ts';
import { readConfig } from '../../src/model/config.ts';
import { fused } from '../../src/model/fused/fused.ts';
import { landmarksHourglass } from '../../src/model/hourglass.ts';
import { network } from '../../src/model/network.ts';

const BINDING = /@binding\((\d+)\)\s*var<storage,\s*\w+>\s*(\w+)\s*:\s*array<(?:vec4<(\w+)>|(\w+))>/g;

/** Of each storage binding whether its numbers are of 4 or of 2 bytes, by its index. */
function storedAs({ kernel, launch }: Node): Map<number, 'f32' | 'f16'> {
  const types = new Map<number, 'f32' | 'f16'>();
  for (const [, index, , inVector, alone] of kernel.wgsl.matchAll(BINDING)) {
    const type = (inVector ?? alone) as string;
    types.set(Number(index), launch.machine?.[type] === 'f16' ? 'f16' : 'f32');
  }
  return types;
}

function mistaken(graph: Graph): string[] {
  const wrong: string[] = [];
  for (const node of graph.nodes) {
    const standIn = node.inputs[node.kernel.bindings.findIndex(({ name }) => name === 'b')]; // for operands that are not read
    for (const [index, dtype] of storedAs(node)) {
      const operand = index === node.inputs.length ? node.output : node.inputs[index];
      const lies = operand && 'dtype' in operand ? operand.dtype : 'f32';
      const { name } = node.kernel.bindings[index] as { name: string };
      if (name !== 'b' && operand === standIn) continue;
      if (lies !== dtype) wrong.push(`${node.name} takes ${name} for ${dtype}; it is ${lies}`);
    }
  }
  return wrong;
}

const sets = { desktop: gpuKernels, Adreno: adrenoKernels, Mali: maliKernels, software: softwareKernels };

describe.for(Object.entries(sets))('%s', ([, kernels]) => {
  it.for((['released', 'paper'] as Form[]).flatMap((form) => (['f32', 'f16'] as const).map((dtype) => [form, dtype] as const)))(
    '%s form in %s',
    ([form, dtype]) => {
      const graph = network(readConfig(tensorsOf(form)), { lowering: fused(kernels), dtype, hourglass: landmarksHourglass });
      expect(graph.nodes.some((node) => storedAs(node).size > 2)).toBe(true);
      expect(mistaken(graph)).toEqual([]);
    },
  );
});
