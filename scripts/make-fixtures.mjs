/**
 * Makes test/fixtures from the full fixtures in ../shared/fixtures: the pictures, what a detector finds in them, `resized` and every small tensor
 * whole, large tensors thinned, and the parsing mask (argmax over the 11 logits) whole. Run it again when the full fixtures change:
 *   node scripts/make-fixtures.mjs
 * A thinned tensor keeps its elements 0, step, 2 step, ...; `step` is the least number that leaves at most KEPT elements and shares no
 * factor with a dimension, so that the kept ones pass through every row, column and channel. Values stay float32: the bounds are too
 * tight for less. `__metadata__.thinned` has each one's shape and step.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const KEPT = 10_000;
/** Of each tensor of the other encoders and of SegFace, which are of nine networks; and of SegFace's masks every so many pixels. */
const KEPT_OF_MANY = 1_000;
const MASK_STEP = 37;
const LIMIT = 4_000_000;
const from = new URL('../../shared/fixtures/', import.meta.url);
const to = new URL('../test/fixtures/', import.meta.url);
const names = ['astronaut-face.safetensors', 'astronaut-wide.safetensors', 'astronaut-face-paper.safetensors'];
/** On the other encoders: thinned already, and without the pixels of astronaut-face, which are theirs. */
const onEncoders = ['convnext_b', 'resnet101', 'mobilenet_v3_large'].map((encoder) => `astronaut-face-${encoder}.safetensors`);
const segFaces = ['swin_base-224', 'swin_base-448', 'swin_base-512', 'convnext_base-512', 'resnet-512', 'mobilenet-512'];
const ofSegFace = segFaces.map((one) => `segface-celeb-${one}.safetensors`);

function readTensors(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...infos } = JSON.parse(bytes.toString('utf8', 8, start));
  const tensors = Object.entries(infos).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [begin, end],
      },
    ]) => ({
      name,
      dtype,
      shape,
      bytes: bytes.subarray(start + begin, start + end),
    }),
  );
  return { metadata, tensors };
}

function writeTensors(file, metadata, tensors) {
  const infos = {};
  let offset = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    infos[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = JSON.stringify({ __metadata__: metadata, ...infos });
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file, Buffer.concat([length, header, ...tensors.map(({ bytes }) => bytes)]));
}

const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));

function stepFor(count, shape, most) {
  let step = Math.ceil(count / most);
  while (step > 1 && shape.some((size) => gcd(step, size) > 1)) step++;
  return step;
}

function thinned({ name, dtype, shape, bytes }, record, most = KEPT) {
  const count = bytes.length / 4;
  const given = record[name] ?? { shape, step: 1 };
  const step = stepFor(count, given.shape, most);
  if (dtype !== 'F32' || step === 1) return { name, dtype, shape, bytes };
  const kept = Math.ceil(count / step);
  const out = Buffer.alloc(kept * 4);
  for (let i = 0; i < kept; i++) bytes.copy(out, i * 4, i * step * 4, i * step * 4 + 4);
  record[name] = { shape: given.shape, step: given.step * step };
  return { name, dtype, shape: [kept], bytes: out };
}

/** The class of the greatest logit at every pixel, the first one among equals. */
function maskOf({ shape: [, classes, height, width], bytes }) {
  const pixels = height * width;
  const mask = Buffer.alloc(pixels);
  for (let i = 0; i < pixels; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (bytes.readFloatLE((c * pixels + i) * 4) > bytes.readFloatLE((best * pixels + i) * 4)) best = c;
    mask[i] = best;
  }
  return { name: 'mask', dtype: 'U8', shape: [height, width], bytes: mask };
}

mkdirSync(to, { recursive: true });
let total = 0;
for (const name of ['astronaut.png', 'group.png', 'detections.json']) {
  writeFileSync(new URL(name, to), readFileSync(new URL(name, from)));
  total += statSync(new URL(name, to)).size;
}
for (const name of names) {
  const { metadata, tensors } = readTensors(new URL(name, from));
  const record = {};
  const mask = maskOf(tensors.find((tensor) => tensor.name === 'output.segmentation'));
  const kept = [...tensors.map((tensor) => thinned(tensor, record)), mask];
  kept.sort((a, b) => (a.dtype === b.dtype ? 0 : a.dtype === 'F32' ? -1 : 1)); // float32 first, so that every one is aligned
  writeTensors(new URL(name, to), { ...metadata, thinned: JSON.stringify(record) }, kept);
  total += statSync(new URL(name, to)).size;
}
for (const name of onEncoders) {
  const { metadata, tensors } = readTensors(new URL(name, from));
  const record = JSON.parse(metadata.thinned);
  const kept = tensors.filter(({ dtype }) => dtype === 'F32').map((tensor) => thinned(tensor, record, KEPT_OF_MANY));
  writeTensors(new URL(name, to), { ...metadata, thinned: JSON.stringify(record) }, kept);
  total += statSync(new URL(name, to)).size;
}
for (const name of ofSegFace) {
  const { metadata, tensors } = readTensors(new URL(name, from));
  const record = JSON.parse(metadata.thinned);
  const named = (wanted) => tensors.find((tensor) => tensor.name === wanted);
  const mask = named('output.mask');
  const pixels = mask.bytes.filter((_, i) => i % MASK_STEP === 0);
  record['output.mask'] = { shape: mask.shape, step: MASK_STEP };
  const numbers = tensors.filter(({ dtype }) => dtype === 'F32').map((tensor) => thinned(tensor, record, KEPT_OF_MANY));
  const resized = createHash('sha256').update(named('resized').bytes).digest('hex');
  const kept = [...numbers, { ...mask, shape: [pixels.length], bytes: pixels }];
  writeTensors(new URL(name, to), { ...metadata, resized, thinned: JSON.stringify(record) }, kept);
  total += statSync(new URL(name, to)).size;
}
console.log(`${fileURLToPath(to)}: ${total} bytes`);
if (total > LIMIT) {
  console.error(`more than ${LIMIT}`);
  process.exitCode = 1;
}
