/** SegFace on lavapipe, against PyTorch, in float32 and float16; and beside FaceXFormer on one device, where both see the pixels that were uploaded once. */
import { describe, expect, it } from 'vitest';
import { SharedPicture, seededCheckpoint } from '../../src/index.ts';
import { SegFace, segFaceTensors } from '../../src/segface/index.ts';
import { picture } from '../conformance/network.ts';
import { openDawn } from '../dawn.ts';
import { load } from '../engine/reduced.ts';
import { isPyTorchs } from './network.ts';
import type { SegFaceFixture } from './truth.ts';

const { device, lacking } = await openDawn('lavapipe', ['shader-f16']);

/** Float32 networks differ in their last bits, a defect by 1e-6 and more; float16 has 11 bits. */
const NMSE = { f32: 1e-8, f16: 2e-2 };

/** Others by name, `SEGFACE=swin_base-448,resnet-512`, and in float16 besides with `FLOAT16=all`: minutes each to compile. This one stands for them in every run. */
const fixtures: readonly SegFaceFixture[] = (process.env['SEGFACE']?.split(',') as SegFaceFixture[] | undefined) ?? ['mobilenet-512'];
const dtypes = process.env['FLOAT16'] === 'all' ? (['f32', 'f16'] as const) : (['f32'] as const);
const runs = fixtures.flatMap((name) => dtypes.map((dtype) => [name, dtype] as const));

describe.skipIf(lacking)(`SegFace${lacking}`, () => {
  it.for(runs)('%s in %s is PyTorch’s', async ([name, dtype]) => {
    const parser = await isPyTorchs(name, device, dtype, NMSE[dtype]);
    expect(parser.info).toMatchObject({ dtype });
    parser.dispose();
  });

  it('and FaceXFormer see a shared picture as they see their own, at any side', async () => {
    const engine = await load({ device });
    const parser = await SegFace.load({ weights: seededCheckpoint(segFaceTensors('toy')), device, side: 416, dtype: 'f32' });
    const shared = await SharedPicture.open(picture);
    const asked = { box: { x0: 100, y0: 51, x1: 300, y1: 260 } };
    const numbersOf = async (source: Parameters<SegFace['analyze']>[0]) => {
      const both = await Promise.all([engine.analyze(source, asked), parser.analyze(source, asked)]);
      return both.map(({ faces }) => faces);
    };
    const own = await numbersOf(picture);
    expect(own.map(([face]) => Object.keys(face ?? {}))).toEqual([
      expect.arrayContaining(['gender', 'age']),
      expect.arrayContaining(['segmentation']),
    ]);
    expect(await numbersOf(shared)).toEqual(own);
    expect(await numbersOf(shared)).toEqual(own);
    shared.close();
    engine.dispose();
    parser.dispose();
  });
});
