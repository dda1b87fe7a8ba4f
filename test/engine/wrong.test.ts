/** Every argument of every public call, wrong in every way: an error of ours with a code, and from what promises an answer never thrown at once. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { boxOfPoints, fromHuman, fromMediaPipe, fromShapeDetector, Mtcnn, mtcnn } from '../../src/detect/index.ts';
import { alphaOf, blurFaces, contoursOf, cropFace, drawFaces, maskBitmap } from '../../src/draw.ts';
import type { Loaded } from '../../src/engine/load.ts';
import { TASK_TABLE } from '../../src/face/tasks.ts';
import { faceQuality, mirror } from '../../src/faces.ts';
import { Recovery } from '../../src/gpu/recovery.ts';
import * as api from '../../src/index.ts';
import { isSegFace, SegFace, segFaceTensors } from '../../src/segface/index.ts';
import { cameras, closeCamera, decodeFrames, followFaces, openCamera, Tracker } from '../../src/video/index.ts';
import { RemoteFaceXFormer, RemoteMtcnn, RemoteSegFace } from '../../src/worker/client.ts';
import { lend } from '../../src/worker/lend.ts';
import { anything, made, membersOf } from './anything.ts';

const { FaceXFormer, FaceXFormerError, Gallery, seededCheckpoint, tensorsOf } = api;

const RUNS = Number(process.env['FUZZ_CALLS'] ?? 150);

/** An engine without a GPU, whose every frame is zeros. */
function engineOf(): api.FaceXFormer {
  const program = {
    plan: { readbacks: [] },
    run: async () => ({ encode: 0, results: Promise.resolve(new Map([['age', new ArrayBuffer(32)]])) }),
  };
  const parts = {
    gpu: { adapter: {}, device: { destroy: () => {} }, own: false, lost: new AbortController().signal },
    config: { form: 'released', heads: [], side: 224, backbone: { name: 'swin_b' }, table: TASK_TABLE },
    tasks: ['age'],
    dtype: 'f32',
    source: 'nowhere',
    parameters: { bytes: 0, destroy: () => {} },
    preprocess: { upload: async () => ({ accepted: Promise.resolve() }), destroy: () => {} },
    programs: { mostImages: () => 8, get: async () => program, plan: () => ({}), destroy: () => {} },
    detector: { detect: async () => [] },
  };
  return Reflect.construct(FaceXFormer, [new Recovery(parts as unknown as Loaded, { never: 'there is no GPU' })]) as api.FaceXFormer;
}

/** An engine in a worker that answers everything with nothing. */
function remote<Made>(of: { readonly prototype: Made }): Made {
  const connection = {
    hear: () => {},
    tell: () => {},
    ask: async () => lend(async function* () {}, 'BAD_OPTION'),
    failed: new AbortController().signal,
  };
  return Reflect.construct(of as never, [connection, { engine: 1 }]) as Made;
}

const picture = { data: new Uint8Array(16 * 16 * 4), width: 16, height: 16 };
const box = { x0: 0, y0: 0, x1: 16, y1: 16 };

/** What came of a call: nothing, or the code of its error, or what is wrong with how it failed. */
async function outcomeOf(call: () => unknown, promises: boolean): Promise<string> {
  const code = (error: unknown) =>
    error instanceof FaceXFormerError ? error.code : `untyped: ${String((error as Error)?.stack ?? error)}`;
  let answer: unknown;
  try {
    answer = call();
  } catch (error) {
    return promises ? `thrown at once: ${code(error)}` : code(error);
  }
  try {
    await answer;
    return 'nothing';
  } catch (error) {
    return code(error);
  }
}

const drained = async (items: AsyncIterable<unknown>) => {
  for await (const _ of items);
};

afterEach(() => vi.unstubAllGlobals());

/** A face whose parsing map is one pixel of skin, but for what is said of it. */
const parsed = (wrong: object) => {
  const segmentation = {
    width: 1,
    height: 1,
    classes: Uint8Array.of(0),
    labels: ['skin'] as const,
    palette: [[0, 0, 0]] as const,
    ...wrong,
  };
  return { box, segmentation } as unknown as Parameters<typeof contoursOf>[0];
};

/** Calls that must fail, and how. */
const CALLS: Record<string, [call: (engine: api.FaceXFormer) => unknown, code: string]> = {
  'a parsing map without an end': [async () => contoursOf(parsed({ width: Number.POSITIVE_INFINITY }), ['skin']), 'BAD_OPTION'],
  'a parsing map of half a row': [async () => contoursOf(parsed({ height: 1.5 }), ['skin']), 'BAD_OPTION'],
  'a parsing map of more pixels than it has': [async () => alphaOf(parsed({ height: 2 }), ['skin'], picture), 'BAD_OPTION'],
  'box 0': [(engine) => engine.analyze(picture, { box: 0 as never }), 'BAD_OPTION'],
  'box null': [(engine) => engine.analyze(picture, { box: null as never }), 'BAD_OPTION'],
  'box of two': [(engine) => engine.analyze(picture, { box: [box, box] as never }), 'BAD_OPTION'],
  'a box of nothing': [(engine) => engine.analyze(picture, { box: {} as never }), 'BAD_BOX'],
  'a box of big numbers': [(engine) => engine.analyze(picture, { box: { x: 1n, y: 1, width: 1, height: 1 } as never }), 'BAD_BOX'],
  'boxes 0': [(engine) => engine.analyze(picture, { boxes: 0 as never }), 'BAD_OPTION'],
  'boxes false': [(engine) => engine.analyze(picture, { boxes: false as never }), 'BAD_OPTION'],
  'boxes of one': [(engine) => engine.analyze(picture, { boxes: box as never }), 'BAD_OPTION'],
  'boxes of no box': [(engine) => engine.analyze(picture, { boxes: [null] as never }), 'BAD_BOX'],
  'too many boxes': [(engine) => engine.analyze(picture, { boxes: Array(45_000).fill(box) }), 'BAD_OPTION'],
  'options null': [(engine) => engine.analyze(picture, null as never), 'BAD_OPTION'],
  'options 7': [(engine) => engine.analyze(picture, 7 as never), 'BAD_OPTION'],
  'raw 1': [(engine) => engine.analyze(picture, { raw: 1 as never }), 'BAD_OPTION'],
  'a controller as signal': [(engine) => engine.analyze(picture, { signal: new AbortController() as never }), 'BAD_OPTION'],
  'a task of a big number': [(engine) => engine.analyze(picture, { tasks: [1n] as never }), 'UNKNOWN_TASK'],
  'a way to crop of a big number': [(engine) => engine.analyze(picture, { crop: 1n as never }), 'BAD_OPTION'],
  'a picture of a symbol': [(engine) => engine.analyze(Symbol('picture') as never, { box }), 'BAD_PICTURE'],
  'pixels of no length': [(engine) => engine.analyze({ ...picture, width: Symbol('width') as never }, { box }), 'BAD_PICTURE'],
  'many of one address': [(engine) => drained(engine.analyzeMany('photo.jpg' as never)), 'BAD_OPTION'],
  'tune null': [(engine) => engine.tune(null as never), 'BAD_OPTION'],
  'a budget of nothing': [(engine) => engine.tune({ budget: 0 }), 'BAD_OPTION'],
  'a budget below nothing': [(engine) => engine.tune({ budget: -1 }), 'BAD_OPTION'],
  'an option that there is not': [(engine) => engine.analyze(picture, { boxs: [] } as never), 'BAD_OPTION'],
  'no task': [(engine) => engine.analyze(picture, { box, tasks: [] }), 'BAD_OPTION'],
  'no face at most': [(engine) => engine.analyze(picture, { maxFaces: 0 }), 'BAD_OPTION'],
  'box and boxes': [(engine) => engine.analyze(picture, { box, boxes: [] }), 'BAD_OPTION'],
  'a budget of words': [(engine) => engine.tune({ budget: 'long' as never }), 'BAD_OPTION'],
  'a budget of a big number': [(engine) => engine.tune({ budget: 5n as never }), 'BAD_OPTION'],
  'a plan of no faces': [(engine) => engine.plan(undefined, 0), 'BAD_OPTION'],
  'a plan of nine faces': [(engine) => engine.plan(undefined, 9), 'BAD_OPTION'],
  'a profile of half a face': [(engine) => engine.profile(undefined, 0.5), 'BAD_OPTION'],
  'a profile of no list': [(engine) => engine.profile('age' as never), 'BAD_OPTION'],
  'load nothing': [() => FaceXFormer.load(undefined as never), 'BAD_OPTION'],
  'load null': [() => FaceXFormer.load(null as never), 'BAD_OPTION'],
  'weights 0': [() => FaceXFormer.load({ weights: 0 as never }), 'BAD_OPTION'],
  'a side of no block': [() => FaceXFormer.load({ weights: 'w', side: 240 }), 'BAD_OPTION'],
  'too small a side': [() => FaceXFormer.load({ weights: 'w', side: 192 }), 'BAD_OPTION'],
  'too large a side': [() => FaceXFormer.load({ weights: 'w', side: 544 }), 'BAD_OPTION'],
  'a side of words': [() => FaceXFormer.load({ weights: 'w', side: '224' as never }), 'BAD_OPTION'],
  'the smallest side, but no GPU': [() => FaceXFormer.load({ weights: 'w', side: 224 }), 'WEBGPU_UNAVAILABLE'],
  'the largest side, but no GPU': [() => FaceXFormer.load({ weights: 'w', side: 512 }), 'WEBGPU_UNAVAILABLE'],
  'a dtype of a big number': [() => FaceXFormer.load({ weights: 'w', dtype: 1n as never }), 'BAD_OPTION'],
  'no such dtype': [() => FaceXFormer.load({ weights: 'w', dtype: 'int8' as never }), 'BAD_OPTION'],
  'no such plan': [() => FaceXFormer.load({ weights: 'w', plan: null as never }), 'BAD_OPTION'],
  'a device of nothing': [() => FaceXFormer.load({ weights: 'w', device: {} as never }), 'BAD_OPTION'],
  'a device null': [() => FaceXFormer.load({ weights: 'w', device: null as never }), 'BAD_OPTION'],
  'onProgress null': [() => FaceXFormer.load({ weights: 'w', onProgress: null as never }), 'BAD_OPTION'],
  'a detector of nothing': [() => FaceXFormer.load({ weights: 'w', detector: {} as never }), 'BAD_OPTION'],
  'an option that only its prototype has': [() => FaceXFormer.load(Object.create({ weights: 'w' }) as never), 'BAD_OPTION'],
  'seeded by half': [() => seededCheckpoint(tensorsOf('released'), 0.5), 'BAD_OPTION'],
  'seeded by the most': [() => seededCheckpoint(new Map(), 0xffffffff), 'nothing'],
  'seeded of no list': [() => seededCheckpoint({} as never), 'BAD_OPTION'],
  'tensors of no form': [() => tensorsOf('trained' as never), 'BAD_OPTION'],
  'bytes of no checkpoint': [() => drained(api.safetensorsBytes({} as never)), 'BAD_OPTION'],
  'bytes of a checkpoint without read': [
    () => drained(api.safetensorsBytes({ source: 'x', tensors: new Map(), rereadable: true } as never)),
    'BAD_OPTION',
  ],
  'open null': [() => api.openCheckpoint('w', null as never), 'BAD_OPTION'],
  'open with a fetch of nothing': [() => api.openCheckpoint('w', { fetch: {} as never }), 'BAD_OPTION'],
  'open with no patience': [() => api.openCheckpoint(new Uint8Array(9), { retry: { delay: 0 } }), 'BAD_WEIGHTS_FILE'],
  'open with patience of words': [() => api.openCheckpoint('w', { retry: { tries: 'many' as never } }), 'BAD_OPTION'],
  'a gallery of nothing': [() => Gallery.fromJSON(undefined), 'BAD_OPTION'],
  'a gallery of no bytes': [() => Gallery.fromBytes(null as never), 'BAD_OPTION'],
  'an embedding of big numbers': [() => new Gallery().add('a', [1n, 2n] as never), 'BAD_OPTION'],
  'an embedding without end': [() => new Gallery().add('a', { length: 2 ** 53 } as never), 'BAD_OPTION'],
  'similar to nothing': [() => api.similarity(null as never, null as never), 'BAD_OPTION'],
  'a plan printed of nothing': [() => api.printPlan(null as never), 'BAD_OPTION'],
  'a plan as JSON of nothing': [() => api.planJson({} as never), 'BAD_OPTION'],
  'faces drawn on nothing': [() => drawFaces(null as never, []), 'BAD_OPTION'],
  'no faces drawn': [() => drawFaces({} as never, null as never), 'BAD_OPTION'],
  'widened nothing': [() => api.widen(null as never, picture), 'BAD_BOX'],
  'widened in nothing': [() => api.widenToSquare(box, null as never), 'BAD_OPTION'],
  'a mask of nothing': [() => api.maskToPicture(null as never, box, picture), 'BAD_OPTION'],
  'MTCNN of null': [() => Mtcnn.load(null as never), 'BAD_OPTION'],
  'MTCNN of a big number': [() => Mtcnn.load({ minFace: 7n as never }), 'BAD_OPTION'],
  'a worker of nothing': [() => RemoteFaceXFormer.load({ weights: 'w', worker: {} as never }), 'BAD_OPTION'],
  'a worker for null': [() => RemoteFaceXFormer.load(null as never), 'BAD_OPTION'],
  'a detector in a worker of null': [() => RemoteMtcnn.load(null as never), 'BAD_OPTION'],
};
const SYNCHRONOUS = /plan |plan$|^seeded|^tensors|gallery|embedding|similar|drawn|^widened|^a mask/;

it.each(Object.keys(CALLS))('%s', async (name) => {
  const [call, code] = CALLS[name] as (typeof CALLS)[string];
  expect(await outcomeOf(() => call(engineOf()), !SYNCHRONOUS.test(name) || name === 'no such plan')).toBe(code);
});

it('what was given is shown as it is, but not all of it', async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const given: [unknown, string][] = [
    ['x'.repeat(200), `"${'x'.repeat(99)}"`],
    [5n, '5n'],
    [null, 'null'],
    [7, '7'],
    [Symbol('s'), 'Symbol(s)'],
    [[1], 'Array'],
    [() => 1, 'Function'],
    [proxy, 'Nothing'],
  ];
  for (const [plan, shown] of given)
    await expect(FaceXFormer.load({ weights: 'w', plan: plan as never })).rejects.toThrow(`\`plan\` is ${shown}. Choose from `);
});

it.each<[string, (engine: api.FaceXFormer) => unknown, string]>([
  ['true or false', (engine) => engine.analyze(picture, { raw: 1 as never }), '`raw` is 1. It must be true or false.'],
  ['a function', () => FaceXFormer.load({ weights: 'w', onProgress: 1 as never }), '`onProgress` is 1. It must be a function.'],
  ['a number', (engine) => engine.tune({ budget: -1 }), '`budget` is -1. It must be a number, 0 or more.'],
  ['a whole number', (engine) => engine.profile(undefined, 9), '`faces` is 9; it must be a whole number, 1 to 8.'],
  ['one without an end', (engine) => engine.analyze(picture, { maxFaces: 0 }), '`maxFaces` is 0; it must be a whole number, 1 or more.'],
])('an option that must be %s is told so', async (_, call, message) => {
  await expect(call(engineOf())).rejects.toThrow(message);
});

it('options are an object’s own, whatever prototypes have', async () => {
  Object.assign(Object.prototype, { box: 'half', tasks: ['mood'], raw: 7 });
  try {
    const { faces } = await engineOf().analyze(picture, {});
    expect(faces).toEqual([]);
  } finally {
    for (const name of ['box', 'tasks', 'raw']) delete (Object.prototype as unknown as Record<string, unknown>)[name];
  }
});

it('pixels that may be resized are copied', async () => {
  const data = new Uint8Array(Reflect.construct(ArrayBuffer, [1024, { maxByteLength: 2048 }]));
  expect((await engineOf().analyze({ ...picture, data }, { boxes: [] })).faces).toEqual([]);
});

describe(`fuzzed, ${RUNS} times each`, () => {
  const options = membersOf(['box', 'boxes', 'crop', 'maxFaces', 'tasks', 'raw', 'taps', 'heatmaps', 'signal', 'boxs'], {
    box: fc.constantFrom(box, 'whole'),
    boxes: fc.array(membersOf(['x0', 'y0', 'x1', 'y1', 'width']), { maxLength: 3 }),
    tasks: fc.constant(['age']),
  });
  const source = fc.oneof(fc.constant(picture), membersOf(['data', 'width', 'height'], { data: fc.constant(picture.data) }));
  const loads = membersOf(['weights', 'tasks', 'detector', 'dtype', 'plan', 'tuned', 'device', 'fetch', 'signal', 'onProgress'], {
    weights: fc.oneof(membersOf(['source', 'tensors', 'read', 'rereadable']), fc.constant(new Uint8Array(9))),
    device: membersOf(['features', 'lost', 'queue', 'limits', 'createBuffer']),
    detector: membersOf(['detect']),
  });
  const face = membersOf(['box', 'detected', 'points', 'landmarks', 'visibility', 'headpose', 'segmentation', 'source'], {
    box: fc.constant(box),
    segmentation: membersOf(['width', 'height', 'classes', 'labels', 'palette'], {
      width: fc.constant(1),
      height: fc.constant(1),
      classes: fc.constant(new Uint8Array(1)),
      labels: fc.constant(['skin']),
    }),
  });
  const size = fc.oneof(anything, fc.constant(picture));
  const embedding = fc.oneof(anything, fc.array(fc.double()), fc.array(anything));
  const ARGUMENTS: Record<string, [arguments_: fc.Arbitrary<readonly unknown[]>, call: (...given: never[]) => unknown, promises?: true]> = {
    analyze: [fc.tuple(source, options), (...given) => engineOf().analyze(...(given as unknown as [never])), true],
    analyzeMany: [fc.tuple(anything, options), (pictures, asked) => drained(engineOf().analyzeMany(pictures, asked)), true],
    plan: [fc.tuple(anything, anything), (...given) => engineOf().plan(...(given as unknown as [never]))],
    profile: [
      fc.tuple(fc.constantFrom('age', ['mood'], 0, null), anything),
      (...given) => engineOf().profile(...(given as unknown as [never])),
      true,
    ],
    load: [fc.tuple(loads), (asked) => FaceXFormer.load(asked), true],
    openCheckpoint: [
      fc.tuple(anything, membersOf(['signal', 'cache', 'retry', 'onProgress'])),
      (weights, asked) => api.openCheckpoint(weights, asked),
      true,
    ],
    seededCheckpoint: [fc.tuple(fc.oneof(anything, fc.constant(new Map())), anything), seededCheckpoint],
    tensorsOf: [fc.tuple(fc.oneof(anything, fc.constant('paper')), membersOf(['backbone', 'hourglass'])), tensorsOf],
    safetensorsBytes: [
      fc.tuple(membersOf(['source', 'tensors', 'read', 'rereadable'])),
      (checkpoint) => drained(api.safetensorsBytes(checkpoint)),
      true,
    ],
    similarity: [fc.tuple(embedding, embedding), api.similarity],
    'gallery.add': [fc.tuple(anything, embedding), (name, one) => new Gallery().add(name, one)],
    'gallery.match': [fc.tuple(embedding, anything), (one, threshold) => new Gallery().add('a', [1, 2]).match(one, threshold)],
    'Gallery.fromJSON': [
      fc.tuple(membersOf(['format', 'version', 'entries'], { format: fc.constant('facexformer-gallery'), version: fc.constant(1) })),
      (json) => Gallery.fromJSON(json),
    ],
    'Gallery.fromBytes': [fc.tuple(anything), (bytes) => Gallery.fromBytes(bytes)],
    printPlan: [fc.tuple(membersOf(['dispatches', 'totals', 'slots', 'parameters'])), api.printPlan],
    planJson: [fc.tuple(membersOf(['dispatches', 'totals', 'slots', 'readbacks'])), api.planJson],
    faceToJson: [fc.tuple(anything), api.faceToJson],
    widen: [fc.tuple(anything, anything, anything), api.widen],
    widenToSquare: [fc.tuple(anything, anything, anything), api.widenToSquare],
    maskToPicture: [fc.tuple(anything, anything, anything, anything), api.maskToPicture],
    drawFaces: [fc.tuple(anything, anything, anything), (ctx, faces, how) => drawFaces(ctx, faces, how)],
    blurFaces: [fc.tuple(anything, fc.oneof(anything, fc.array(face)), anything), (ctx, faces, how) => blurFaces(ctx, faces, how)],
    alphaOf: [fc.tuple(face, fc.oneof(anything, fc.constant(['skin'])), size, anything), alphaOf],
    maskBitmap: [fc.tuple(face, anything, size, membersOf(['soft', 'colour'])), maskBitmap, true],
    contoursOf: [fc.tuple(face, fc.oneof(anything, fc.constant(['skin']))), contoursOf],
    cropFace: [fc.tuple(source, face, membersOf(['size', 'align', 'margin'])), cropFace, true],
    faceQuality: [fc.tuple(face, size), faceQuality],
    mirror: [fc.tuple(face, size), mirror],
    'Mtcnn.load': [
      fc.tuple(membersOf(['minFace', 'threshold', 'maxFaces', 'order', 'device', 'signal'])),
      (asked) => Mtcnn.load(asked),
      true,
    ],
    'RemoteFaceXFormer.load': [
      fc.tuple(membersOf(['weights', 'worker', 'signal', 'detector', 'onProgress', 'dtype'])),
      (asked) => RemoteFaceXFormer.load(asked),
      true,
    ],
    checkSupport: [fc.tuple(membersOf(['software', 'signal'])), (asked) => api.checkSupport(asked), true],
    'weightCache.delete': [fc.tuple(anything), (which) => api.weightCache.delete(which), true],
    'FaceXFormerError.from': [fc.tuple(membersOf(['name', 'code', 'message', 'cause'])), (value) => void FaceXFormerError.from(value)],
    'SharedPicture.open': [fc.tuple(source), (given) => api.SharedPicture.open(given), true],
    isSegFace: [fc.tuple(anything), (found) => isSegFace(found)],
    segFaceTensors: [fc.tuple(anything), segFaceTensors],
    'SegFace.load': [fc.tuple(loads), (asked) => SegFace.load(asked), true],
    'load with mtcnn': [
      fc.tuple(membersOf(['minFace', 'threshold', 'maxFaces', 'order', 'weights'])),
      async (asked) => mtcnn(asked)({ device: {} as never, signal: undefined }),
      true,
    ],
    boxOfPoints: [fc.tuple(anything, anything, anything), boxOfPoints],
    fromMediaPipe: [
      fc.tuple(source, fc.oneof(anything, fc.array(membersOf(['boundingBox', 'categories', 'keypoints'])))),
      (given, detections) => fromMediaPipe({ detect: () => ({ detections }) }).detect(given),
      true,
    ],
    fromHuman: [
      fc.tuple(source, fc.oneof(anything, fc.array(membersOf(['boxRaw', 'score', 'meshRaw'])))),
      (given, face) => fromHuman({ detect: async () => ({ face }) }).detect(given),
      true,
    ],
    fromShapeDetector: [
      fc.tuple(source, fc.array(membersOf(['boundingBox', 'landmarks']))),
      (given, found) => fromShapeDetector({ detect: async () => found }).detect(given),
      true,
    ],
    'an adapter of nothing': [
      fc.tuple(anything),
      (detector) => void [fromHuman, fromMediaPipe, fromShapeDetector].map((one) => one(detector)),
    ],
    openCamera: [fc.tuple(membersOf(['id', 'facing', 'width', 'signal'])), (asked) => openCamera(asked), true],
    cameras: [fc.tuple(), () => cameras(), true],
    closeCamera: [fc.tuple(anything), closeCamera],
    decodeFrames: [fc.tuple(anything, anything), (config, chunks) => drained(decodeFrames(config, chunks)), true],
    followFaces: [
      fc.tuple(membersOf(['tasks', 'analyze']), anything, membersOf(['tasks', 'lookEvery', 'labelsEvery', 'signal', 'memory', 'onResult'])),
      (...given) => followFaces(...(given as unknown as [never, never])).ended.then(() => {}),
    ],
    Tracker: [fc.tuple(membersOf(['memory', 'recall', 'alike'])), (asked) => void new Tracker(asked)],
    'Tracker.update': [
      fc.tuple(anything, anything, anything),
      (...given) => void new Tracker().update(...(given as unknown as [never, never, never])),
    ],
    'RemoteFaceXFormer.analyze': [
      fc.tuple(source, options),
      (...given) => remote(RemoteFaceXFormer).analyze(...(given as unknown as [never])),
      true,
    ],
    'RemoteFaceXFormer.analyzeMany': [
      fc.tuple(anything, options),
      (...given) => drained(remote(RemoteFaceXFormer).analyzeMany(...(given as unknown as [never]))),
      true,
    ],
    'RemoteFaceXFormer.plan': [
      fc.tuple(anything, anything),
      (...given) => remote(RemoteFaceXFormer).plan(...(given as unknown as [never])),
      true,
    ],
    'RemoteFaceXFormer.tune': [fc.tuple(membersOf(['budget', 'signal'])), (asked) => remote(RemoteFaceXFormer).tune(asked), true],
    'RemoteMtcnn.detect': [fc.tuple(source, options), (...given) => remote(RemoteMtcnn).detect(...(given as unknown as [never])), true],
    'RemoteSegFace.load': [fc.tuple(loads), (asked) => RemoteSegFace.load(asked), true],
    'RemoteMtcnn.load': [fc.tuple(membersOf(['weights', 'worker', 'signal', 'minFace'])), (asked) => RemoteMtcnn.load(asked), true],
  };

  it.each(Object.keys(ARGUMENTS))('%s', async (name) => {
    vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
    vi.stubGlobal(
      'ImageData',
      class {
        constructor(width: number, height: number) {
          Object.assign(this, { data: new Uint8ClampedArray(4 * width * height) });
        }
      },
    );
    vi.stubGlobal('createImageBitmap', async () => ({ close: () => {} }));
    const [given, call, promises = false] = ARGUMENTS[name] as (typeof ARGUMENTS)[string];
    await fc.assert(
      fc.asyncProperty(given, async (all) => {
        expect(await outcomeOf(() => call(...(all.map(made) as never[])), promises)).toMatch(/^[A-Z_]+$|^nothing$/);
      }),
      { numRuns: RUNS },
    );
  });
});
