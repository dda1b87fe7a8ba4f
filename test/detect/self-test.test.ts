/** What the detector's self-test believes: networks that give what float64 gives, and none that is wrong in one place. */
import { expect, it } from 'vitest';
import { answers } from '../../src/detect/answer.ts';
import type { Networks } from '../../src/detect/cascade.ts';
import type { GpuNetworks } from '../../src/detect/networks.ts';
import { selfTest } from '../../src/detect/self-test.ts';
import { readWeights, type Weights } from '../../src/detect/weights.ts';
import { mtcnnWeights } from '../../tools/mtcnn.mjs';

const weights = await readWeights(mtcnnWeights());

/** Tries networks that compute in float32 with weights of their own, on the picture that the self-test writes. */
async function tried(own: Weights, wrong: (networks: Networks) => Networks = (networks) => networks): Promise<string> {
  let data = new Uint8Array();
  let networks: Networks | undefined;
  const later = <Name extends keyof Networks>(name: Name) =>
    ((...asked: never[]) => {
      networks ??= wrong(answers(own, { data, width: 48, height: 48 }));
      return (networks[name] as (...told: never[]) => unknown)(...asked);
    }) as Networks[Name];
  const device = {
    pushErrorScope: () => {},
    popErrorScope: async () => null,
    createTexture: () => ({ destroy: () => {} }),
    queue: { writeTexture: (_: unknown, written: Uint8Array<ArrayBuffer>) => (data = written) },
  };
  Object.assign(globalThis, { GPUTextureUsage: { COPY_DST: 2, TEXTURE_BINDING: 4 } });
  const on = { lookAt: () => {}, propose: later('propose'), refine: later('refine'), decide: later('decide') };
  return selfTest(device as unknown as GPUDevice, on as unknown as GpuNetworks, weights).then(
    () => 'believed',
    (error) => error.message,
  );
}

/** The weights, all numbers of a tensor a little off. */
function changed(name: string): Weights {
  const { shape, values } = weights.get(name) as NonNullable<ReturnType<Weights['get']>>;
  return new Map([...weights, [name, { shape, values: values.map((value) => 1.05 * value + 0.01) }]]);
}

it('believes what is right', async () => {
  expect(await tried(weights)).toBe('believed');
});

it.each([
  ...['pnet.conv1.weight', 'pnet.prelu2.weight', 'pnet.conv3.bias', 'pnet.conv4_1.weight', 'pnet.conv4_2.bias'],
  ...['rnet.prelu1.weight', 'rnet.dense4.bias', 'onet.conv4.weight', 'onet.dense6_3.weight'],
])('does not where %s is a little off', async (name) => {
  expect(await tried(changed(name))).toMatch(new RegExp(`the face detector's network ${name.charAt(0).toUpperCase()} gave .* is right`));
});

it.each([
  ['a cell too few', (networks: Networks) => ({ ...networks, propose: async (...told) => (await networks.propose(...told)).slice(1) })],
  [
    'a cell too many',
    (networks) => ({ ...networks, propose: async (...told) => (await networks.propose(...told)).flatMap((one) => [one, one]) }),
  ],
  [
    'no number',
    (networks) => ({
      ...networks,
      decide: async (...told) => (await networks.decide(...told)).map((one) => ({ ...one, probability: Number.NaN })),
    }),
  ],
] satisfies [string, (networks: Networks) => Networks][])('does not with %s', async (_, wrong) => {
  expect(await tried(weights, wrong)).toMatch(/computes wrongly/);
});
