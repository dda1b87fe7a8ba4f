/** The paper form's landmarks: a stacked hourglass on the decoded image, steered by the landmark tokens. */
import { LANDMARKS as POINTS } from '../src/face/labels.ts';
import type { HourglassSizes } from '../src/model/hourglass.ts';
import { WIDTH } from '../src/model/sizes.ts';
import type { Graph, Value } from './graph.ts';
import { mlp } from './heads.ts';
import { add, batchNorm, clampMin, conv, div, instanceNorm, matmul, maxPool2, mul, relu, reshape, resizeNearest2, sum } from './ops.ts';

/** tokens [1, 68, 256] and face [1, 256, H, H] to points [1, 68, 2], x then y, in [-1, 1]. */
export function landmarksHourglass(g: Graph, tokens: Value, face: Value, { stacks, levels }: HourglassSizes): Value {
  const name = 'face_decoder.landmarks_hourglass';
  const side = face.shape[2] as number;
  const kernels = mlp(g, tokens, `${name}.token_mlp`, WIDTH);
  const first = matmul(g, kernels, reshape(g, face, [1, WIDTH, side * side]));
  const map = reshape(g, div(g, first, g.scalar(Math.sqrt(WIDTH))), [1, POINTS, side, side]);
  let x = add(g, face, conv(g, map, `${name}.merge_tokens`, { out: WIDTH, kernel: 1 }));
  for (let i = 0; ; i++) {
    const stack = `${name}.stacks.${i}`;
    const body = conv(g, block(g, hourglass(g, x, `${stack}.hourglass`, levels), `${stack}.block`), `${stack}.conv`, {
      out: WIDTH,
      kernel: 1,
    });
    const features = relu(g, batchNorm(g, body, `${stack}.bn`));
    const heatmaps = relu(g, instanceNorm(g, conv(g, features, `${stack}.heatmaps`, { out: POINTS, kernel: 1 })));
    if (i === stacks - 1) return decode(g, heatmaps);
    x = add(g, x, conv(g, features, `${stack}.merge_features`, { out: WIDTH, kernel: 1 }));
    x = add(g, x, conv(g, heatmaps, `${stack}.merge_heatmaps`, { out: WIDTH, kernel: 1 }));
  }
}

function hourglass(g: Graph, x: Value, name: string, levels: number): Value {
  const up = block(g, x, `${name}.up`);
  const low1 = block(g, maxPool2(g, x), `${name}.low1`);
  const low2 = levels > 1 ? hourglass(g, low1, `${name}.low2`, levels - 1) : block(g, low1, `${name}.low2`);
  return add(g, up, resizeNearest2(g, block(g, low2, `${name}.low3`)));
}

/** Pre-activation bottleneck: half the channels inside. */
function block(g: Graph, x: Value, name: string): Value {
  const half = WIDTH / 2;
  let y = conv(g, relu(g, batchNorm(g, x, `${name}.bn1`)), `${name}.conv1`, { out: half, kernel: 1 });
  y = conv(g, relu(g, batchNorm(g, y, `${name}.bn2`)), `${name}.conv2`, { out: half, kernel: 3, pad: 1 });
  return add(g, x, conv(g, relu(g, batchNorm(g, y, `${name}.bn3`)), `${name}.conv3`, { out: WIDTH, kernel: 1 }));
}

/** Heat maps [1, 68, H, H] to their centres of mass on a grid of -1 to 1. */
function decode(g: Graph, heatmaps: Value): Value {
  const side = heatmaps.shape[2] as number;
  const grid = g.table('grid', [side], () => Float32Array.from({ length: side }, (_, i) => (2 * i) / (side - 1) - 1));
  const total = clampMin(g, sum(g, heatmaps, 2, 3), 1e-6);
  const centre = (across: number) => {
    const value = div(g, sum(g, mul(g, sum(g, heatmaps, across), grid), 2), total);
    return g.node('Unsqueeze', [value, g.indices(-1)], [...value.shape, 1]);
  };
  const points = [centre(2), centre(3)];
  return g.node('Concat', points, [1, POINTS, 2], { axis: -1 });
}
