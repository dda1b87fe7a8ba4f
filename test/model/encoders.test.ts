/** What each encoder costs, as docs/backbones.md has it; and that the smallest of all networks is few dispatches on every kind of GPU. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { KINDS, ROLES } from '../../src/kernels/roles.ts';
import { ENCODERS } from '../../src/model/backbones/index.ts';
import { network } from '../../src/model/network.ts';
import { segFaceConfig, segFaceTensors } from '../../src/segface/config.ts';

const page = readFileSync(new URL('../../docs/backbones.md', import.meta.url), 'utf8');

/** The row of an encoder in the table of the page. */
function row(encoder: string): string[] {
  const config = readConfig(tensorsOf('paper', { backbone: encoder }));
  const weights = [...config.tensors.values()].filter(({ name, dtype }) => dtype === 'F32' && !/running_(mean|var)$/.test(name));
  const count = weights.reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0) - 256; // the position code's matrix is a buffer
  const planOf = (form: 'released' | 'paper', kind: 'desktop' | 'adreno') => {
    const one = readConfig(tensorsOf(form, { backbone: encoder }));
    return makePlan(network(one, { kernels: ROLES[kind] }), outputsOf(tasksOf(one), false));
  };
  const [desktop, phone, paper] = [planOf('released', 'desktop'), planOf('released', 'adreno'), planOf('paper', 'desktop')];
  const own = desktop.dispatches.filter(({ node }) => node.startsWith('backbone.'));
  const giga = (macs: number) => (macs / 1e9).toFixed(2);
  return [
    (count / 1e6).toFixed(2),
    giga(own.reduce((sum, { launch }) => sum + launch.macs, 0)),
    giga(desktop.totals.macs),
    giga(paper.totals.macs),
    `${own.length}`,
    `${desktop.totals.dispatches}`,
    `${phone.totals.dispatches}`,
    (desktop.totals.activationBytes / 1e6).toFixed(1),
    (desktop.totals.weightBytes / 1e6).toFixed(1),
  ];
}

/** The row of an encoder in the table of SegFace. */
function segFaceRow(encoder: string): string[] {
  const tensors = segFaceTensors(encoder);
  const planOf = (kind: 'desktop' | 'adreno') => makePlan(network(segFaceConfig(tensors, 512), { kernels: ROLES[kind] }), ['mask']).totals;
  const [desktop, phone] = [planOf('desktop'), planOf('adreno')];
  const mega = (bytes: number) => (bytes / 1e6).toFixed(1);
  return [
    (desktop.macs / 1e9).toFixed(2),
    `${desktop.dispatches}`,
    `${phone.dispatches}`,
    mega(desktop.activationBytes),
    mega(desktop.weightBytes),
  ];
}

describe.for(ENCODERS)('%s', (encoder) => {
  it.each([
    ['FaceXFormer', row],
    ['SegFace', segFaceRow],
  ])('costs %s what the page says', (_, rowOf) => {
    const part = page.split('## ').find((one) => one.startsWith(rowOf === row ? 'What each costs' : 'SegFace at 512')) ?? '';
    const line = part.split('\n').find((one) => one.includes(`| \`${encoder}\` |`));
    const cells = line?.split('|').map((cell) => cell.trim());
    expect(cells?.slice(cells.indexOf(`\`${encoder}\``) + 1, -1)).toEqual(rowOf(encoder));
  });
});

it.each(KINDS)('SegFace on MobileNetV3-Large is at most 150 dispatches at 512 on %s', (kind) => {
  const config = segFaceConfig(segFaceTensors('mobilenet_v3_large'), 512);
  const plan = makePlan(network(config, { kernels: ROLES[kind] }), ['mask']);
  expect(plan.totals.dispatches).toBeGreaterThan(80);
  expect(plan.totals.dispatches).toBeLessThanOrEqual(150);
});
