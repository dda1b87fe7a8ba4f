/** What a reference run of the official code holds: the pixels that the network was given, and every output as float64 gave it. */

/** Elements 0, step, 2 step, ... of a tensor of that shape. */
export interface Expected {
  readonly shape: readonly number[];
  readonly step: number;
  readonly values: Float32Array;
}

export interface Reference {
  /** [1, 3, 224, 224] as the network was given them. */
  readonly pixels: Float32Array;
  /** The outputs by task. */
  readonly outputs: ReadonlyMap<string, Expected>;
}

/** The seed of the weights of the reference runs. */
export const SEED = 20240319;
/** The box that was cut out of the picture. */
export const BOX = { x0: 157, y0: 37, x1: 293, y1: 229 };
/** Every output's NMSE against the reference stays under this, in float32. */
export const BOUND = 1e-8;

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

interface Header {
  readonly [name: string]: { readonly shape: number[]; readonly data_offsets: readonly [number, number] };
}

/** Reads a fixture, a safetensors file whose large tensors may be thinned. */
export function parseReference(bytes: Uint8Array): Reference {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))) as { __metadata__: Record<string, string> };
  const { __metadata__: metadata, ...tensors } = header;
  const thinned = JSON.parse(metadata['thinned'] ?? '{}') as Record<string, { shape: number[]; step: number }>;
  const outputs = new Map<string, Expected>();
  let resized = new Uint8Array();
  for (const [
    name,
    {
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries(tensors as Header)) {
    const data = Uint8Array.from(bytes.subarray(start + from, start + to));
    if (name === 'resized') resized = data;
    if (name.startsWith('output.'))
      outputs.set(name.slice('output.'.length), { ...(thinned[name] ?? { shape, step: 1 }), values: new Float32Array(data.buffer) });
  }
  return { pixels: normalised(resized), outputs };
}

/** Makes the numbers that torchvision makes, in float32: [224, 224, 3] bytes to [1, 3, 224, 224]. */
function normalised(rgb: Uint8Array): Float32Array {
  const { fround } = Math;
  const plane = rgb.length / 3;
  const at = (c: number, i: number) =>
    fround(fround(fround((rgb[3 * i + c] as number) / 255) - fround(MEAN[c] as number)) / fround(STD[c] as number));
  return Float32Array.from({ length: rgb.length }, (_, n) => at(Math.floor(n / plane), n % plane));
}
