/**
 * The detector's self-test: before it is believed, each of its networks runs once on a small picture that is known, and what it gives is compared
 * with what float64 gives (answer.ts). Whatever a search runs is in it: pictures reduced and enlarged, every pipeline, and the choice of cells.
 */
import { gpuError } from '../gpu/errors.ts';
import { allocated, refusalOf } from '../gpu/scope.ts';
import { answers } from './answer.ts';
import type { Crop } from './boxes.ts';
import type { Judgement, Networks } from './cascade.ts';
import type { GpuNetworks } from './networks.ts';
import type { Weights } from './weights.ts';

/** How far a number may be from the right one, times one more than that is. */
const ALLOWED = 1e-3;
const SIDE = 48;
const LEVELS = [
  { width: 29, height: 21, scale: 0.5 },
  { width: 15, height: 14, scale: 0.3 },
];
const WHOLE: Crop = { left: 0, top: 0, width: SIDE, height: SIDE };
const PART: Crop = { left: 9, top: 4, width: 31, height: 17 };
/** Whatever a cell's probability is, it is told. */
const ANY = 1e-30;

/** Probabilities are compared by logarithms: most are next to nothing. */
const numbersOf = ({ probability, move }: Judgement): number[] => [Math.log(probability), ...move];

/** The networks as lists of numbers. */
export const TRIED: Record<string, (networks: Networks) => Promise<number[]>> = {
  P: async (networks) => (await networks.propose(LEVELS, ANY)).flatMap((one) => [one.level, one.row, one.column, ...numbersOf(one)]),
  R: async (networks) => (await networks.refine([PART, WHOLE])).flatMap(numbersOf),
  O: async (networks) => (await networks.decide([PART])).flatMap((one) => [...numbersOf(one), ...one.points]),
};

/** @throws FaceXFormerError GPU_ERROR: it computes wrongly, or did not run; LIMIT */
export async function selfTest(device: GPUDevice, networks: GpuNetworks, weights: Weights): Promise<void> {
  const data = Uint8Array.from({ length: 4 * SIDE * SIDE }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
  const right = answers(weights, { width: SIDE, height: SIDE, data });
  const usage = GPUTextureUsage.COPY_DST | GPUTextureUsage.TEXTURE_BINDING;
  const [texture] = await allocated(device, 'the self-test', () => [
    device.createTexture({ label: 'detector.self-test', size: [SIDE, SIDE, 1], format: 'rgba8unorm', usage }),
  ]);
  try {
    const write = () => device.queue.writeTexture({ texture }, data, { bytesPerRow: 4 * SIDE }, [SIDE, SIDE]);
    const refused = await refusalOf(device, write);
    if (refused) throw gpuError(`The GPU refused the self-test: ${refused.message}`);
    networks.lookAt(texture, WHOLE);
    for (const [name, of] of Object.entries(TRIED)) {
      const expected = await of(right);
      if (expected.length === 0 || expected.some((one) => !(Math.abs(one) < 2 ** 64))) continue; // of what is lost there is no answer
      const given = await of(networks);
      const at = expected.findIndex((one, i) => !(Math.abs((given[i] ?? Number.NaN) - one) <= ALLOWED * (1 + Math.abs(one))));
      if (at >= 0 || given.length !== expected.length)
        throw gpuError(
          `The GPU computes wrongly: the face detector's network ${name} gave ${given[at]} where ${expected[at]} is right. ` +
            'Update the browser or the graphics driver, or use another GPU.',
        );
    }
  } finally {
    texture.destroy();
  }
}
