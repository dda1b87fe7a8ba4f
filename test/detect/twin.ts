/** MTCNN's networks in plain TypeScript and float64, as the kernels' and the whole detector's twin: after facenet-pytorch's modules, line by line. */

import type { FinalJudgement, Judgement, Networks, Proposal } from '../../src/detect/cascade.ts';
import { LAST, type Layer, O, O_SIDE, P, R, R_SIDE } from '../../src/detect/layers.ts';
import type { Level } from '../../src/detect/pyramid.ts';
import { kernelOf, tensorOf, type Weights } from '../../src/detect/weights.ts';
import type { RawPicture } from '../../src/image/source.ts';
import { averaged, convolved, type Map3, pooled } from './maps.ts';

/** The three networks over one picture. */
export function twin(weights: Weights, picture: RawPicture): Networks {
  const through = (net: string, layers: readonly Layer[], input: Map3): Map3 =>
    layers.reduce((x, layer) => {
      const { window, pool, step = 1, outer, slopes } = layer;
      const bias = Float32Array.from(layer.weights.flatMap((name) => [...(weights.get(`${net}.${name}.bias`)?.values ?? [])]));
      const alpha = slopes ? tensorOf(weights, `${net}.${slopes}.weight`, [outer]) : undefined;
      const made = convolved(x, kernelOf(weights, net, layer), bias, alpha, window);
      return pool ? pooled(made, pool, step) : made;
    }, input);
  const heads: Layer = { weights: ['conv4_1', 'conv4_2'], window: 1, inner: 32, outer: 6 };
  const said = (data: Float64Array): Judgement => ({
    probability: probability(data),
    move: [...data.subarray(2, 6)] as unknown as Judgement['move'],
  });
  return {
    async propose(levels: readonly Level[], atLeast: number) {
      const found: Proposal[] = [];
      for (const [level, { width, height }] of levels.entries()) {
        const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
        const cells = through('pnet', [...P, LAST, heads], averaged(picture, whole, width, height));
        for (let i = 0; i < cells.width * cells.height; i++) {
          const one = said(cells.data.subarray(6 * i, 6 * i + 6));
          if (one.probability >= atLeast) found.push({ level, row: Math.floor(i / cells.width), column: i % cells.width, ...one });
        }
      }
      return found;
    },
    async refine(crops) {
      return crops.map((crop) => said(through('rnet', R, averaged(picture, crop, R_SIDE, R_SIDE)).data));
    },
    async decide(crops) {
      return crops.map((crop): FinalJudgement => {
        const { data } = through('onet', O, averaged(picture, crop, O_SIDE, O_SIDE));
        return { ...said(data), points: [...data.subarray(6)] };
      });
    },
  };
}

/** Of the second class, rounded as PyTorch's softmax in float32 is. */
const probability = ([no, yes]: Float64Array): number => Math.fround(1 / (1 + Math.exp((no as number) - (yes as number))));
