/** A number that is none, or too large, in any one tensor of the weights: none is loaded, and the tensor is named. */
import { expect, it } from 'vitest';
import type { TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { headsOf } from '../../src/face/tasks.ts';
import { Parameters } from '../../src/graph/parameters.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { BACKBONES } from '../../src/model/backbones/index.ts';
import { network, tensorsOfNetwork } from '../../src/model/network.ts';

const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, -(2 ** 64)];

it.for(BACKBONES)('$name and the paper form’s heads', async (backbone) => {
  const architecture = { backbone, heads: headsOf('paper', { stacks: 1, levels: 3 }) };
  const graph = network(architecture);
  const { parameters } = makePlan(graph, [...graph.outputs.keys()]);
  let tried = 0;
  for (const info of tensorsOfNetwork(architecture).values()) {
    const users = parameters.filter(({ from }) => from.includes(info.name));
    if (info.dtype !== 'F32') continue;
    const values = new Float32Array(info.bytes / 4);
    const at = Math.floor(values.length * 0.37);
    values[at] = VALUES[tried++ % VALUES.length] as number;
    async function* read() {
      yield { info: info as TensorInfo, data: new Uint8Array(values.buffer) };
    }
    const checkpoint = { source: 'a test', tensors: new Map([[info.name, info]]), rereadable: true, read };
    const loaded = new Parameters({} as GPUDevice).load(users, checkpoint);
    await expect(loaded).rejects.toMatchObject({
      code: 'WRONG_WEIGHTS',
      message: expect.stringContaining(`${info.name} holds ${values[at]} as`),
    });
  }
  expect(tried).toBeGreaterThan(200);
});
