/** SegFace in float32, on lavapipe, against PyTorch: at a side whose maps windows cover, and at one whose maps are padded. */
import { describe, expect, it } from 'vitest';
import { openDawn } from '../dawn.ts';
import { isPyTorchs } from './network.ts';
import type { SegFaceFixture } from './truth.ts';

const { device, lacking } = await openDawn('lavapipe');

/** Float32 networks differ in their last bits; a defect differs by 1e-6 and more. */
const NMSE = 1e-8;

/** Others by name, `SEGFACE=swin_base-448,resnet-512`, which take minutes each to compile; this one stands for them in every run. */
const fixtures: readonly SegFaceFixture[] = (process.env['SEGFACE']?.split(',') as SegFaceFixture[] | undefined) ?? ['mobilenet-512'];

describe.skipIf(lacking)(`SegFace${lacking}`, () => {
  it.for(fixtures)('%s is PyTorch’s', async (name) => {
    const parser = await isPyTorchs(name, device, 'f32', NMSE);
    expect(parser.info.adapter).toBeDefined();
    parser.dispose();
  });
});
