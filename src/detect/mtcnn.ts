/** MTCNN, the detector of the official FaceXFormer script, on our own kernels. */
import type { WeightsSource } from '../checkpoint/open.ts';
import { type Gpu, type LentDevice, openGpu } from '../gpu/device.ts';
import { badOption, gpuError, gpuLost, throwIfAborted } from '../gpu/errors.ts';
import { given, type Kind, mustBeWhole, optionsOf, shown } from '../gpu/given.ts';
import { type GpuLoss, madeAtFirst, Recovery, type Resident } from '../gpu/recovery.ts';
import { allocated } from '../gpu/scope.ts';
import { unless, whenThere } from '../gpu/waiting.ts';
import { type Caught, caught } from '../image/caught.ts';
import { type Point, type Size, wholePicture } from '../image/crop.ts';
import type { DetectedFace, FaceDetector, LoadDetector } from '../image/detector.ts';
import { Line, type Seat } from '../image/line.ts';
import { type PictureSource, pictureTexture } from '../image/source.ts';
import { type CascadeOptions, cascade, type FoundFace } from './cascade.ts';
import { GpuNetworks } from './networks.ts';
import { selfTest } from './self-test.ts';
import { packagedWeights, readWeights, type Weights } from './weights.ts';

/**
 * Pixels of the largest picture that is searched as it is, at `minFace` 20 or more. A larger one, or one that is wider or higher than a texture
 * may be, is reduced to that before, so that memory stays within 300 MB whatever comes.
 */
export const LARGEST_PICTURE = 2 ** 24;
/** At this size of face, facenet-pytorch's default, the largest level has 0.36 times the picture's pixels. */
const USUAL_FACE = 20;
/** The texture's sides grow in steps of this many pixels. */
const STEP = 256;

/** A face that MTCNN found. Coordinates are picture pixels as facenet-pytorch counts them. */
export interface MtcnnFace extends DetectedFace {
  readonly points: readonly Point[];
}

/** What faces come first: the largest, as in the official script; the most probable; or the large ones near the picture's centre. */
export type FaceOrder = 'size' | 'score' | 'center';

/** How faces are looked for. */
export interface SearchOptions {
  /** The smallest face's side, in pixels of the picture; 20 unless given. Half as much takes four times as long. */
  minFace?: number | undefined;
  /** What the three networks' probabilities must reach, 0.6, 0.7 and 0.7 unless given; one number is the last one's. */
  threshold?: number | readonly [number, number, number] | undefined;
  /** How many faces at most, in `order`; all unless given. */
  maxFaces?: number | undefined;
  /** `size` unless given. */
  order?: FaceOrder | undefined;
}

/** What `Mtcnn.load` is told. */
export interface MtcnnOptions extends SearchOptions {
  /** The weights' file, where a bundler has not brought it along: the package has it as `dist/mtcnn.safetensors`. */
  weights?: WeightsSource | undefined;
  /** A GPUDevice to share, which `dispose()` leaves alone. */
  device?: LentDevice | undefined;
  /** Ends the loading with ABORTED. */
  signal?: AbortSignal | undefined;
}

/** What `Mtcnn.detect` is told: what `load` was, but for this call, and a signal. */
export interface DetectOptions extends SearchOptions {
  signal?: AbortSignal | undefined;
}

/** A call of `detect`. */
interface Call {
  readonly picture: Caught;
  readonly asked: SearchOptions;
  readonly signal: AbortSignal | undefined;
}

/** The networks on one GPU, and the texture that they look at. */
class OnGpu implements Resident {
  #texture: GPUTexture | undefined;

  constructor(
    readonly gpu: Gpu,
    readonly networks: GpuNetworks,
  ) {}

  destroy(): void {
    this.networks.destroy();
    this.#texture?.destroy();
    if (this.gpu.own) this.gpu.device.destroy();
  }

  /** @throws FaceXFormerError LIMIT */
  async roomFor({ width, height }: Size): Promise<GPUTexture> {
    const known = this.#texture;
    if (known && known.width >= width && known.height >= height) return known;
    const { device } = this.gpu;
    const step = (side: number, had = 0): number =>
      Math.max(had, Math.min(STEP * Math.ceil(side / STEP), device.limits.maxTextureDimension2D));
    const both = [step(width, known?.width), step(height, known?.height)] as const;
    const size = both[0] * both[1] <= LARGEST_PICTURE ? both : ([step(width), step(height)] as const);
    const [texture] = await allocated(device, `a picture of ${width} x ${height} pixels`, () => [
      pictureTexture(device, 'detector.picture', [...size, 1], GPUTextureUsage.TEXTURE_BINDING),
    ]);
    known?.destroy();
    this.#texture = texture;
    return texture;
  }
}

/** MTCNN on one GPU: `load` makes it, `detect` finds faces until `dispose`. A GPU that is lost is replaced by another, unless it was lent. */
export class Mtcnn implements FaceDetector {
  /** Ends when the last call is answered. */
  #answering: Promise<unknown> = Promise.resolve();
  readonly #line = new Line<Call, MtcnnFace[]>((seat) => this.#serve(seat));

  private constructor(
    private readonly recovery: Recovery<OnGpu>,
    private readonly options: SearchOptions,
  ) {}

  /**
   * Reads the weights (2 MB) and compiles the kernels.
   * @throws FaceXFormerError BAD_OPTION, WEBGPU_UNAVAILABLE, NO_ADAPTER, LIMIT, GPU_ERROR, DEVICE_LOST, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, WEIGHTS_UNREACHABLE,
   * ABORTED
   */
  static async load(options: MtcnnOptions = {}): Promise<Mtcnn> {
    const own = mtcnnOptionsOf(options);
    return Mtcnn.reading(keptWeights(own.weights), own);
  }

  /** @internal As `load`, of weights that others may have read before. */
  static async reading(read: (signal?: AbortSignal) => Promise<Weights>, options: MtcnnOptions): Promise<Mtcnn> {
    const { weights: _, device, signal, ...search } = options;
    throwIfAborted(signal);
    const make = async (stop: AbortSignal | undefined): Promise<OnGpu> => {
      const gpu = await openGpu(device, { signal: stop });
      const loading = read(stop).then((weights) => believed(gpu.device, weights));
      try {
        const networks = await unless(stop, unless(gpu.lost, loading, gpuLost));
        return new OnGpu(gpu, networks);
      } catch (error) {
        whenThere(loading, (late) => late.destroy());
        if (gpu.own) gpu.device.destroy();
        throw gpu.lost.aborted ? gpuLost(gpu.lost.reason, { cause: error }) : error;
      }
    };
    const first = await madeAtFirst(make, signal, () => !device);
    return new Mtcnn(new Recovery(first, device ? { never: 'The device was lent: load on another.' } : make), search);
  }

  /** Settles when the GPU is lost, as that of `FaceXFormer` does. */
  get lost(): Promise<GpuLoss> {
    return this.recovery.lost;
  }

  /**
   * The faces in a picture; none is []. Calls are answered in their order, and as many may wait as for `FaceXFormer.analyze`.
   * @throws FaceXFormerError BUSY, BAD_PICTURE, BAD_OPTION, LIMIT, GPU_ERROR, DEVICE_LOST, DISPOSED, ABORTED
   */
  async detect(source: PictureSource, options: DetectOptions = {}): Promise<MtcnnFace[]> {
    const { signal, ...search } = optionsOf<DetectOptions>('detect', { ...SEARCH_OPTIONS, signal: 'signal' }, options);
    const asked = { ...this.options, ...Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) };
    checked(asked);
    this.recovery.mustLive();
    return unless(signal, this.#line.join({ picture: caught(source), asked, signal }, 'wait'));
  }

  #serve(seat: Seat<Call>): Promise<MtcnnFace[]> {
    const found = this.#answering.then(() => {
      const call = seat.begin();
      return this.recovery.run((on) => this.#detect(on, call), { signal: call.signal });
    });
    this.#answering = found.catch(() => {});
    return found;
  }

  /** Frees everything on the GPU; calls that wait or come later fail with DISPOSED, but those that a lost GPU left with DEVICE_LOST. May be called again. */
  dispose(): void {
    this.recovery.dispose();
  }

  async #detect(on: OnGpu, { picture: source, asked, signal }: Call): Promise<MtcnnFace[]> {
    const { gpu, networks } = on;
    const search = checked(asked);
    const picture = await unless(signal, source.open());
    const size = searchedSize(picture, search.minFace, gpu.device.limits.maxTextureDimension2D);
    const searched = size.width === picture.width && size.height === picture.height ? picture : await picture.resized(size);
    try {
      this.recovery.mustGoOn(on, signal);
      const texture = await on.roomFor(size);
      this.recovery.mustGoOn(on, signal);
      networks.lookAt(texture, size);
      const { refused } = await searched.copyTo(texture, wholePicture(size), gpu.device);
      // Though it be aborted, the network under way comes to its end: the next search takes the same buffers.
      const found = await cascade(networks, size, search, () => this.recovery.mustGoOn(on, signal));
      const why = await refused;
      if (why) throw gpuError(`The GPU refused the picture: ${why.message}`);
      this.recovery.mustGoOn(on, signal);
      this.recovery.answered();
      const faces = found.map((face) => faceOf(face, picture.width / size.width, picture.height / size.height));
      return ordered(faces, picture, asked);
    } finally {
      if (searched !== picture) searched.close();
    }
  }
}

/** Networks that have passed their self-test. @throws FaceXFormerError GPU_ERROR, WRONG_WEIGHTS, LIMIT */
async function believed(device: GPUDevice, weights: Weights): Promise<GpuNetworks> {
  const networks = await GpuNetworks.create(device, weights);
  try {
    await selfTest(device, networks, weights);
    return networks;
  } catch (error) {
    networks.destroy();
    throw error;
  }
}

type MtcnnSettings = Omit<MtcnnOptions, 'device' | 'signal'>;

/**
 * For the `detector` of `FaceXFormer.load`: MTCNN on the engine's own device, loaded beside the weights, and again with the engine on another device. Its
 * options can be read of it, so that `RemoteFaceXFormer.load` takes it too.
 * @throws FaceXFormerError BAD_OPTION
 */
export const mtcnn = (options: MtcnnSettings = {}): LoadDetector & { readonly mtcnn: MtcnnSettings } => {
  const own = mtcnnOptionsOf(options);
  const read = keptWeights(own.weights);
  const load: LoadDetector = ({ device, signal }) => Mtcnn.reading(read, { ...own, device, signal });
  return Object.assign(load, { mtcnn: options });
};

/** Reads the weights once and keeps them, 2 MB, for the next GPU; a stream could not be read again. */
function keptWeights(source: WeightsSource | undefined): (signal?: AbortSignal) => Promise<Weights> {
  let read: Promise<Weights> | undefined;
  return async (signal) => {
    read ??= readWeights(source ?? packagedWeights()).catch((error: unknown) => {
      read = undefined;
      throw error;
    });
    return unless(signal, read); // others may want them
  };
}

/** The size at which a picture is searched: its own, unless it is larger than memory or a texture allows. */
export function searchedSize({ width, height }: Size, minFace = USUAL_FACE, mostSide = 8192): Size {
  const most = LARGEST_PICTURE * Math.min(1, minFace / USUAL_FACE) ** 2;
  const factor = Math.min(1, Math.sqrt(most / (width * height)), mostSide / Math.max(width, height));
  return { width: Math.max(1, Math.floor(width * factor)), height: Math.max(1, Math.floor(height * factor)) };
}

/** A face of the picture that was searched in pixels of the one that was given. */
function faceOf({ x0, y0, x1, y1, score, points }: FoundFace, alongX: number, alongY: number): MtcnnFace {
  return {
    box: { x0: x0 * alongX, y0: y0 * alongY, x1: x1 * alongX, y1: y1 * alongY },
    score,
    points: points.map(({ x, y }) => ({ x: x * alongX, y: y * alongY })),
  };
}

const areaOf = ({ box: { x0, y0, x1, y1 } }: DetectedFace): number => Math.fround(Math.fround(x1 - x0) * Math.fround(y1 - y0));

/** Size less twice the squared distance from the picture's centre: facenet-pytorch's `center_weighted_size`. */
function nearCenter(face: DetectedFace, { width, height }: Size): number {
  const { x0, y0, x1, y1 } = face.box;
  return areaOf(face) - 2 * (((x0 + x1 - width) / 2) ** 2 + ((y0 + y1 - height) / 2) ** 2);
}

/** The faces that are wanted, the first ones first. Of equals the one that the search gave last comes first, as NumPy's reversed argsort has it. */
export function ordered(faces: readonly MtcnnFace[], picture: Size, { order = 'size', maxFaces }: SearchOptions): MtcnnFace[] {
  const worth = order === 'size' ? areaOf : (face: DetectedFace) => nearCenter(face, picture);
  const sorted = order === 'score' ? [...faces] : faces.toReversed().toSorted((a, b) => worth(b) - worth(a));
  return sorted.slice(0, maxFaces);
}

/** @throws FaceXFormerError BAD_OPTION */
function mtcnnOptionsOf(options: MtcnnOptions): MtcnnOptions {
  const own = optionsOf<MtcnnOptions>('load', { ...SEARCH_OPTIONS, weights: 'any', device: 'any', signal: 'signal' }, options);
  checked(own);
  return own;
}

const SEARCH_OPTIONS: Readonly<Record<keyof SearchOptions, Kind>> = {
  minFace: 'any',
  threshold: 'any',
  maxFaces: 'any',
  order: ['size', 'score', 'center'],
};

/** @throws FaceXFormerError BAD_OPTION */
function checked(options: SearchOptions): CascadeOptions {
  const { minFace = USUAL_FACE, threshold = 0.7, maxFaces = 1 } = options;
  if (!(typeof minFace === 'number' && minFace >= 5 && Number.isFinite(minFace)))
    throw badOption(`\`minFace\` is ${shown(minFace)}; it must be a number of pixels, 5 or more.`);
  const thresholds = given('`threshold` cannot be read.', () => (typeof threshold === 'number' ? [0.6, 0.7, threshold] : [...threshold]));
  if (!Array.isArray(thresholds) || thresholds.length !== 3 || !thresholds.every((one) => typeof one === 'number' && one > 0 && one < 1))
    throw badOption(`\`threshold\` is ${shown(threshold)}; it must be a number between 0 and 1, or three of them.`);
  mustBeWhole(maxFaces, 'maxFaces', 1);
  return { minFace, thresholds: thresholds as unknown as CascadeOptions['thresholds'] };
}
