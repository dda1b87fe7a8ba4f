/**
 * MTCNN's networks on a GPU. Sizes are data, in tables that are written before a run: a picture of another size, or another number of crops,
 * compiles nothing. A network runs in one submit, whatever it is given: all levels of a pyramid, or all crops, a group at a time.
 */
import { gpuError, noMemory } from '../gpu/errors.ts';
import { bindGroupOf, dispatch, layersOf, Pipelines } from '../gpu/pipelines.ts';
import { readBack } from '../gpu/readback.ts';
import { allocated, refusalOf } from '../gpu/scope.ts';
import { STAMP_BYTES, Stamp } from '../gpu/stamp.ts';
import { BINDING_ALIGNMENT } from '../graph/plan.ts';
import type { Size } from '../image/crop.ts';
import { averageCrops, CROP_ELEMENTS } from '../kernels/averageCrops.ts';
import { convPrelu } from '../kernels/convPrelu.ts';
import type { Grid, KernelText, Launch } from '../kernels/kernel.ts';
import { PROPOSAL_ELEMENTS, proposals } from '../kernels/proposals.ts';
import type { Crop } from './boxes.ts';
import { type FinalJudgement, type Judgement, type Level, type Networks, type Proposal, probabilityOf } from './cascade.ts';
import { LAST, type Layer, O, O_SIDE, P, R, R_SIDE, sizeAfter } from './layers.ts';
import { type Packed, packLayer, packProposals, padded, type Weights } from './weights.ts';

/** Pixels of the levels that go through the first network together: what fits a binding of 128 MiB. */
const GROUP_PIXELS = 6.5 * 2 ** 20;
/** Crops that go through the second and the third together. */
const GROUP_CROPS = { [R_SIDE]: 1024, [O_SIDE]: 256 };
/** Proposals that there is room for, until a picture has more. */
const PROPOSALS = 16_384;
/** The GPU's sums are not quite the CPU's: a cell this near the threshold (in logits) is judged on the CPU. */
const MARGIN = 1e-3;
/** Words of an entry of `Maps` (kernels/parts/maps.wgsl). */
const MAPS_ELEMENTS = 8;

/** A kernel with what of its bindings stays; its first input, its table and its output change. */
interface Stage {
  readonly layer: Layer;
  readonly pipeline: GPUComputePipeline;
  readonly parameters: readonly GPUBuffer[];
  grid(positions: number): Grid;
}

/** So many maps of one size. */
interface Maps extends Size {
  readonly images: number;
}

/** What goes through a network together: parts of the picture, and the maps that they are resized to. */
interface Group {
  readonly crops: readonly (Crop & { readonly to: Size })[];
  readonly maps: readonly Maps[];
}

interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly grid: Grid;
  readonly input: 'picture' | 'even' | 'odd';
  readonly parameters: readonly GPUBuffer[];
  readonly table: { readonly offset: number; readonly size: number };
  readonly output: 'even' | 'odd' | 'result';
}

const positionsOf = (maps: readonly Maps[]): number => maps.reduce((sum, { images, width, height }) => sum + images * width * height, 0);

export class GpuNetworks implements Networks {
  /** Grow to what a run needs, and stay: activations of every other layer, tables, results, and what is read. */
  readonly #buffers = new Map<string, GPUBuffer>();
  #room = PROPOSALS;
  #picture: GPUTexture | undefined;
  #size: Size = { width: 0, height: 0 };

  private constructor(
    readonly device: GPUDevice,
    private readonly average: GPUComputePipeline,
    private readonly p: readonly Stage[],
    private readonly r: readonly Stage[],
    private readonly o: readonly Stage[],
    private readonly stamp: Stamp,
  ) {}

  /** Compiles the kernels, and uploads the weights. @throws FaceXFormerError WRONG_WEIGHTS, GPU_ERROR, LIMIT */
  static async create(device: GPUDevice, weights: Weights): Promise<GpuNetworks> {
    const pipelines = new Pipelines(device);
    const made: { destroy(): void }[] = [];
    const refusals: Promise<GPUError | undefined>[] = [];
    const upload = (values: Float32Array<ArrayBuffer>): GPUBuffer => {
      let buffer!: GPUBuffer;
      const create = () => {
        buffer = device.createBuffer({ size: values.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
        device.queue.writeBuffer(buffer, 0, values);
      };
      refusals.push(refusalOf(device, create));
      made.push(buffer);
      return buffer;
    };
    const stage = async (layer: Layer, launch: (positions: number) => Launch, kernel: KernelText, packed: Packed) => {
      const parameters = packed.map(upload);
      return { layer, pipeline: await pipelines.get(kernel, launch(1)), parameters, grid: (n: number) => launch(n).workgroups };
    };
    const conv = (net: string) => (layer: Layer) => {
      const { window, pool = 1, step = 1, inner, outer } = layer;
      const shape = { window, pool, step, inner: padded(inner), outer: padded(outer) };
      return stage(layer, (positions) => convPrelu.launch({ ...shape, positions }), convPrelu, packLayer(weights, net, layer));
    };
    try {
      const [counts, average, p, end, r, o] = await Promise.all([
        Stamp.pipeline(pipelines),
        pipelines.get(averageCrops, averageCrops.launch({ positions: 1 })),
        Promise.all(P.map(conv('pnet'))),
        stage(LAST, (positions) => proposals.launch({ positions }), proposals, packProposals(weights)),
        Promise.all(R.map(conv('rnet'))),
        Promise.all(O.map(conv('onet'))),
      ]);
      const [stamp] = await allocated(device, 'the face detector', () => [Stamp.on(device, counts)]);
      made.push(stamp);
      if ((await Promise.all(refusals)).some(Boolean)) throw noMemory("the face detector's weights");
      return new GpuNetworks(device, average, [...p, end], r, o, stamp);
    } catch (error) {
      for (const one of made) one.destroy();
      throw error;
    }
  }

  /** The picture that the networks look at from now on: layer 0 of a texture, from its top left corner. */
  lookAt(picture: GPUTexture, { width, height }: Size): void {
    this.#picture = picture;
    this.#size = { width, height };
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
    for (const { parameters } of [...this.p, ...this.r, ...this.o]) for (const buffer of parameters) buffer.destroy();
    this.#buffers.clear();
    this.stamp.destroy();
  }

  /** Every level in one submit; a picture with more proposals than there is room for runs again. */
  async propose(levels: readonly Level[], atLeast: number): Promise<Proposal[]> {
    const whole = { left: 0, top: 0, ...this.#size };
    const groups = inGroups(levels, GROUP_PIXELS, (level) => level.width * level.height).map((group) => ({
      crops: group.map((level) => ({ ...whole, to: level })),
      maps: group.map((level) => ({ images: 1, width: level.width, height: level.height })),
    }));
    const least = Math.log(atLeast / (1 - atLeast)) - MARGIN;
    for (;;) {
      const words = new Uint32Array(await this.#run(this.p, groups, 4 + 4 * PROPOSAL_ELEMENTS * this.#room, least));
      const found = words[0] as number;
      if (found <= this.#room) return proposalsOf(words.subarray(1, 1 + PROPOSAL_ELEMENTS * found), levels, atLeast);
      this.#room = Math.ceil(1.25 * found);
    }
  }

  async refine(crops: readonly Crop[]): Promise<Judgement[]> {
    const numbers = await this.#judge(this.r, crops, R_SIDE, 8);
    return crops.map((_, i) => judgementOf(numbers.subarray(8 * i, 8 * i + 8)));
  }

  async decide(crops: readonly Crop[]): Promise<FinalJudgement[]> {
    const numbers = await this.#judge(this.o, crops, O_SIDE, 16);
    return crops.map((_, i) => {
      const said = numbers.subarray(16 * i, 16 * i + 16);
      return { ...judgementOf(said), points: [...said.subarray(6)] };
    });
  }

  async #judge(
    stages: readonly Stage[],
    crops: readonly Crop[],
    side: typeof R_SIDE | typeof O_SIDE,
    outputs: number,
  ): Promise<Float32Array> {
    const groups = inGroups(crops, GROUP_CROPS[side], () => 1).map((group) => ({
      crops: group.map((crop) => ({ ...crop, to: { width: side, height: side } })),
      maps: [{ images: group.length, width: side, height: side }],
    }));
    return sound(new Float32Array(await this.#run(stages, groups, 4 * outputs * crops.length)));
  }

  /** Runs a network over all groups: one submit, one read of `bytes`. */
  async #run(stages: readonly Stage[], groups: readonly Group[], bytes: number, least = 0): Promise<ArrayBuffer> {
    const { steps, tables, rooms } = planned(this.average, stages, groups, least);
    const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
    await this.#grow('even', rooms.even, STORAGE);
    await this.#grow('odd', rooms.odd, STORAGE);
    await this.#grow('tables', tables.byteLength, STORAGE | COPY_DST);
    const result = await this.#grow('result', bytes, STORAGE | COPY_SRC | COPY_DST);
    const staging = await this.#grow('staging', bytes + STAMP_BYTES, MAP_READ | COPY_DST);
    const refused = refusalOf(this.device, () => {
      this.device.queue.writeBuffer(this.#buffers.get('tables') as GPUBuffer, 0, tables);
      const encoder = this.device.createCommandEncoder({ label: 'detector' });
      encoder.clearBuffer(result, 0, 4);
      const pass = encoder.beginComputePass();
      for (const step of steps) dispatch(pass, step.pipeline, this.#bind(step, bytes), step.grid);
      this.stamp.encode(pass);
      pass.end();
      encoder.copyBufferToBuffer(result, 0, staging, 0, bytes);
      this.stamp.copy(encoder, staging, bytes);
      this.device.queue.submit([encoder.finish()]);
    });
    const read = (mapped: ArrayBuffer): ArrayBuffer => {
      this.stamp.check(mapped, bytes);
      return mapped.slice(0, bytes);
    };
    return readBack(staging, 'the face detector', refused, read, { bytes: bytes + STAMP_BYTES });
  }

  /** Made anew for each run: how long a table is, which is how a kernel knows where it ends, is in the binding. */
  #bind({ pipeline, input, parameters, table, output }: Step, bytes: number): GPUBindGroup {
    const named = (name: string) => ({ buffer: this.#buffers.get(name) as GPUBuffer });
    const resources: GPUBindingResource[] = [
      input === 'picture' ? layersOf(this.#picture as GPUTexture) : named(input),
      ...parameters.map((buffer) => ({ buffer })),
      { ...named('tables'), ...table },
      output === 'result' ? { ...named('result'), size: bytes } : named(output),
    ];
    return bindGroupOf(this.device, 'detector', pipeline, resources);
  }

  /** @throws FaceXFormerError LIMIT */
  async #grow(name: string, bytes: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    const known = this.#buffers.get(name);
    if (known && known.size >= bytes) return known;
    const [buffer] = await allocated(this.device, `${bytes} bytes of the face detector`, () => [
      this.device.createBuffer({ label: `detector.${name}`, size: Math.max(16, bytes), usage }),
    ]);
    known?.destroy();
    this.#buffers.set(name, buffer);
    return buffer;
  }
}

/** Consecutive items together, as long as they are no more than `most`; one that is more by itself is alone. */
function inGroups<Item>(items: readonly Item[], most: number, sizeOf: (item: Item) => number): Item[][] {
  const groups: Item[][] = [];
  let size = 0;
  for (const item of items) {
    size += sizeOf(item);
    if (groups.length > 0 && size <= most) groups.at(-1)?.push(item);
    else {
      groups.push([item]);
      size = sizeOf(item);
    }
  }
  return groups;
}

/** A network's dispatches over all groups, the tables that they read, and how large the activations become. */
function planned(average: GPUComputePipeline, stages: readonly Stage[], groups: readonly Group[], least: number) {
  const steps: Step[] = [];
  const tables: { words: Uint32Array; offset: number }[] = [];
  const rooms = { even: 16, odd: 16 };
  let end = 0;
  const tableOf = (words: Uint32Array): Step['table'] => {
    const offset = end;
    tables.push({ words, offset });
    end = BINDING_ALIGNMENT * Math.ceil((offset + words.byteLength) / BINDING_ALIGNMENT);
    return { offset, size: words.byteLength };
  };
  let firstY = 0;
  for (const group of groups) {
    let maps = group.maps;
    let positions = positionsOf(maps);
    rooms.even = Math.max(rooms.even, 16 * positions);
    const grid = averageCrops.launch({ positions }).workgroups;
    steps.push({ pipeline: average, grid, input: 'picture', parameters: [], table: tableOf(cropWords(group.crops)), output: 'even' });
    for (const [i, { layer, pipeline, parameters, grid }] of stages.entries()) {
      const next = maps.map((map) => ({ images: map.images, ...sizeAfter(layer, map) }));
      positions = positionsOf(next);
      const isLast = i === stages.length - 1;
      const [input, output] = i % 2 === 0 ? (['even', 'odd'] as const) : (['odd', 'even'] as const);
      if (!isLast) rooms[output] = Math.max(rooms[output], 16 * Math.ceil(layer.outer / 4) * positions);
      const table = tableOf(mapsWords(maps, next, isLast ? firstY : 0, least));
      steps.push({ pipeline, grid: grid(positions), input, parameters, table, output: isLast ? 'result' : output });
      maps = next;
    }
    firstY += positions;
  }
  const words = new Uint32Array(end / 4);
  for (const table of tables) words.set(table.words, table.offset / 4);
  return { steps, tables: words, rooms };
}

function cropWords(crops: Group['crops']): Uint32Array {
  const words = new Uint32Array(CROP_ELEMENTS * crops.length);
  let end = 0;
  for (const [i, { left, top, width, height, to }] of crops.entries()) {
    end += to.width * to.height;
    words.set([end, left, top, width, height, to.width, to.height], CROP_ELEMENTS * i);
  }
  return words;
}

function mapsWords(x: readonly Maps[], y: readonly Maps[], firstY: number, least: number): Uint32Array {
  const words = new Uint32Array(MAPS_ELEMENTS * x.length);
  const floats = new Float32Array(words.buffer);
  let firstX = 0;
  let end = 0;
  for (const [i, from] of x.entries()) {
    const to = y[i] as Maps;
    end += positionsOf([to]);
    words.set([end, firstX, from.width, from.height, to.width, to.height, firstY], MAPS_ELEMENTS * i);
    floats[MAPS_ELEMENTS * i + 7] = least;
    firstX += positionsOf([from]);
  }
  return words;
}

/** The same numbers. @throws FaceXFormerError GPU_ERROR: one is infinite or none, of which no face may be made, and none left out */
function sound(numbers: Float32Array): Float32Array {
  if (!numbers.every(Number.isFinite))
    throw gpuError('The face detector gave numbers that are infinite or none: its weights are damaged, or the GPU computes wrongly.');
  return numbers;
}

/** The proposals in the levels' order, which the GPU does not keep. */
function proposalsOf(words: Uint32Array, levels: readonly Level[], atLeast: number): Proposal[] {
  const floats = sound(new Float32Array(words.buffer, words.byteOffset, words.length)); // a position, read so, is finite too
  const order = Array.from({ length: words.length / PROPOSAL_ELEMENTS }, (_, i) => i * PROPOSAL_ELEMENTS);
  order.sort((a, b) => (words[a] as number) - (words[b] as number));
  const cells = levels.map(cellsOf);
  const found: Proposal[] = [];
  let level = 0;
  let first = 0;
  for (const at of order) {
    const position = words[at] as number;
    for (let size = areaOf(cells[level]); position >= first + size; size = areaOf(cells[level])) {
      first += size;
      level++;
    }
    const probability = probabilityOf(floats[at + 1] as number);
    const columns = (cells[level] as Size).width;
    const [row, column] = [Math.floor((position - first) / columns), (position - first) % columns];
    const move = [...floats.subarray(at + 2, at + 6)] as unknown as Proposal['move'];
    if (probability >= atLeast) found.push({ level, row, column, probability, move });
  }
  return found;
}

const areaOf = (size: Size | undefined): number => (size ? size.width * size.height : Number.POSITIVE_INFINITY);

/** How many cells the first network has in a level. */
export const cellsOf = (level: Size): Size => [...P, LAST].reduce((size, layer) => sizeAfter(layer, size), level);

/** Two logits, and four numbers that move the box. */
function judgementOf(said: Float32Array): Judgement {
  const [no, yes, ...move] = said.subarray(0, 6);
  return { probability: probabilityOf((yes as number) - (no as number)), move: move as unknown as Judgement['move'] };
}
