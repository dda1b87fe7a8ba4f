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

/** By name, `SEGFACE=swin_base-448,mobilenet-512`, in both types, which takes minutes each to compile. In every run one of them in float16; in float32 a browser has it. */
const asked = process.env['SEGFACE']?.split(',') as SegFaceFixture[] | undefined;
const runs = asked?.flatMap((name) => [[name, 'f32'] as const, [name, 'f16'] as const]) ?? [['mobilenet-512', 'f16'] as const];

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
    const asked = { raw: true, box: { x0: 100, y0: 51, x1: 300, y1: 260 } };
    const numbersOf = async (source: Parameters<SegFace['analyze']>[0]) => {
      const both = await Promise.all([engine.analyze(source, asked), parser.analyze(source, asked)]);
      return both.map(({ faces }) => faces.map(({ raw }) => raw));
    };
    const own = await numbersOf(picture);
    expect(own.flat()).toHaveLength(2);
    expect(await numbersOf(shared)).toEqual(own);
    expect(await numbersOf(shared)).toEqual(own);
    shared.close();
    engine.dispose();
    parser.dispose();
  });
});
