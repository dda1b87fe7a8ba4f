/** FaceXFormer and SegFace on one device and on the same faces: a picture is decoded once, and its pixels are uploaded once. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Preprocess } from '../../src/image/preprocess.ts';
import { type AnalyzeOptions, type LentDevice, SharedPicture, seededCheckpoint } from '../../src/index.ts';
import { SegFace, segFaceTensors } from '../../src/segface/index.ts';
import { carried } from '../../src/worker/carry.ts';
import { load } from '../engine/reduced.ts';
import { codeOf } from '../errors.ts';
import { FakeDevice, Faults, fakeGpu } from '../gpu/fake.ts';

/** The fake GPU, whose classes are some of the nineteen. */
class Device extends FakeDevice {
  constructor() {
    super(new Faults());
  }

  override dispatch(kernel: string, entries: readonly GPUBindGroupEntry[]): void {
    super.dispatch(kernel, entries);
    if (kernel !== 'parse') return;
    const { buffer, offset = 0, size } = (entries.at(-1) as GPUBindGroupEntry).resource as GPUBufferBinding;
    const y = new Uint8Array((buffer as unknown as { data: Uint8Array<ArrayBuffer> }).data.buffer, offset, size);
    y.fill((y[0] as number) % 19);
  }

  get lent(): LentDevice & GPUDevice {
    return this as unknown as LentDevice & GPUDevice;
  }

  get shared(): number {
    return [...this.alive].filter((one) => (one as { label: string }).label === 'picture.shared').length;
  }
}

const file = new Blob(['a picture']);
const box = { x0: 10, y0: 20, x1: 50, y1: 60 };
const inside = { x0: 11, y0: 20, x1: 40, y1: 50 };
const whole = { x0: 0, y0: 0, x1: 64, y1: 64 };
let decodes = 0;
let alive = 0;

beforeEach(() => {
  fakeGpu();
  [decodes, alive] = [0, 0];
  vi.stubGlobal('createImageBitmap', async () => {
    decodes++;
    alive++;
    return { [Symbol.toStringTag]: 'ImageBitmap', width: 64, height: 64, seen: 0.25, close: () => alive-- };
  });
});
afterEach(() => vi.unstubAllGlobals());

it('is decoded once and uploaded once for two networks, each at its side', async () => {
  const device = new Device();
  const engine = await load({ device: device.lent });
  const parser = await SegFace.load({ weights: seededCheckpoint(segFaceTensors('toy')), device: device.lent, side: 256 });
  const ask = async (picture: SharedPicture | Blob, options: Pick<AnalyzeOptions, 'box'>) => {
    const both = await Promise.all([engine.analyze(picture, options), parser.analyze(picture, options)]);
    return both.map(({ faces }) => faces);
  };
  const apart = await ask(file, { box });
  expect([decodes, device.uploads]).toEqual([2, 2]);
  const picture = await SharedPicture.open(file);
  expect(picture).toMatchObject({ width: 64, height: 64 });
  expect(await ask(picture, { box })).toEqual(apart);
  expect([decodes, device.uploads]).toEqual([3, 3]);
  await ask(picture, { box: inside });
  expect([decodes, device.uploads]).toEqual([3, 3]);
  expect([alive, device.shared]).toEqual([1, 1]);
  picture.close();
  picture.close();
  await vi.waitFor(() => expect([alive, device.shared]).toEqual([0, 0]));
  expect(await codeOf(() => engine.analyze(picture, { box }))).toBe('BAD_PICTURE');
  engine.dispose();
  parser.dispose();
});

it('is uploaded to each device, and again where a crop reaches beyond what is there', async () => {
  const devices = [new Device(), new Device()] as const;
  const [one, another] = [new Preprocess(devices[0].lent), new Preprocess(devices[1].lent, 512)];
  const picture = await SharedPicture.open(file);
  const uploads = () => devices.map((device) => device.uploads);
  await one.upload(picture.opened(), [box]);
  expect(uploads()).toEqual([1, 0]);
  await another.upload(picture.opened(), [whole]);
  await one.upload(picture.opened(), [whole]);
  await Promise.all([one.upload(picture.opened(), [box]), another.upload(picture.opened(), [box])]);
  expect(uploads()).toEqual([2, 1]);
  picture.close();
});

it('is copied from where a crop lies in what is there, and uploaded for one that reaches beyond it to any side', async () => {
  const device = new Device();
  const encode = vi.spyOn(device, 'createCommandEncoder');
  const copies: unknown[] = [];
  const preprocess = new Preprocess(device.lent);
  const picture = await SharedPicture.open(file);
  encode.mockImplementation(
    () =>
      ({
        copyTextureToTexture: (from: GPUTexelCopyTextureInfo, to: GPUTexelCopyTextureInfo, size: unknown) =>
          copies.push([from.origin, to.origin, size]),
        finish: () => ({ run() {} }),
      }) as never,
  );
  vi.spyOn(device.queue, 'submit').mockImplementation(() => {});
  await preprocess.upload(picture.opened(), [box, inside]);
  expect(copies).toEqual([
    [
      [0, 0],
      [0, 0, 0],
      [40, 40],
    ],
    [
      [1, 0],
      [0, 0, 1],
      [29, 30],
    ],
  ]);
  expect(device.uploads).toBe(1);
  for (const [i, beyond] of [{ x0: 9 }, { y0: 19 }, { x1: 51 }, { y1: 61 }].entries()) {
    await preprocess.upload(picture.opened(), [{ ...box, ...beyond }]);
    expect(device.uploads).toBe(2 + i);
  }
  picture.close();
});

it('is uploaded again where a GPU refused it', async () => {
  const device = new Device();
  const preprocess = new Preprocess(device.lent);
  const picture = await SharedPicture.open(file);
  const { faults } = device;
  faults.at = faults.reached.length;
  await expect(preprocess.upload(picture.opened(), [box])).rejects.toMatchObject({ code: 'LIMIT' });
  expect(faults.reached[faults.at]).toBe('createTexture');
  expect([device.uploads, device.shared]).toEqual([0, 0]);
  await (await preprocess.upload(picture.opened(), [box])).accepted;
  expect([device.uploads, device.shared]).toEqual([1, 1]);
  picture.close();
});

it('comes back as the network’s bytes and numbers too, of an encoder that looks no byte up itself', async () => {
  const device = new Device();
  const engine = await load({ device: device.lent });
  const [face] = (await engine.analyze(file, { box, raw: true })).faces;
  const shapes = Object.entries(face?.raw ?? {}).map(([name, { shape }]) => [name, shape]);
  expect(Object.fromEntries(shapes)).toMatchObject({ resized: [224, 224, 3], pixels: [1, 3, 224, 224], 'output.age': [1, 8] });
  engine.dispose();
});

it('stays on its page', async () => {
  expect(await codeOf(async () => carried(await SharedPicture.open(file)))).toBe('BAD_PICTURE');
});
