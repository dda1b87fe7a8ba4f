/** What each encoder costs, as docs/backbones.md has it; and that the smallest of all networks is few dispatches on every kind of GPU. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { learnt } from '../../bench/gpu-machine/encoders.ts';
import type { TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { KINDS, ROLES } from '../../src/kernels/roles.ts';
import { ENCODERS } from '../../src/model/backbones/index.ts';
import { network } from '../../src/model/network.ts';
import { segFaceConfig, segFaceTensors } from '../../src/segface/config.ts';

const page = readFileSync(new URL('../../docs/backbones.md', import.meta.url), 'utf8');

/** Millions of numbers that are learnt. */
const parametersOf = (tensors: readonly TensorInfo[]): string => (learnt(tensors) / 1e6).toFixed(2);

/** The row of an encoder in the table of the page. */
function row(encoder: string): string[] {
  const config = readConfig(tensorsOf('paper', { backbone: encoder }));
  const planOf = (form: 'released' | 'paper', kind: 'desktop' | 'adreno') => {
    const one = readConfig(tensorsOf(form, { backbone: encoder }));
    return makePlan(network(one, { kernels: ROLES[kind] }), outputsOf(tasksOf(one), false));
  };
  const [desktop, phone, paper] = [planOf('released', 'desktop'), planOf('released', 'adreno'), planOf('paper', 'desktop')];
  const own = desktop.dispatches.filter(({ node }) => node.startsWith('backbone.'));
  const giga = (macs: number) => (macs / 1e9).toFixed(2);
  return [
    parametersOf([...config.tensors.values()]),
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

/** The rows of an encoder in the table of SegFace, one a side. */
function segFaceRows(encoder: string): string[][] {
  const tensors = segFaceTensors(encoder);
  const mega = (bytes: number) => (bytes / 1e6).toFixed(1);
  return [224, 256, 448, 512].map((side) => {
    const planOf = (kind: 'desktop' | 'adreno') =>
      makePlan(network(segFaceConfig(tensors, side), { kernels: ROLES[kind] }), ['mask']).totals;
    const [desktop, phone] = [planOf('desktop'), planOf('adreno')];
    return [
      parametersOf([...tensors.values()]),
      `${side}`,
      (desktop.macs / 1e9).toFixed(2),
      `${desktop.dispatches}`,
      `${phone.dispatches}`,
      mega(desktop.activationBytes),
      mega(desktop.weightBytes),
    ];
  });
}

describe.for(ENCODERS)('%s', (encoder) => {
  it.each([
    ['What each costs', (one: string) => [row(one)]],
    ['What SegFace costs', segFaceRows],
  ])('is in the table "%s" as it is', (title, rowsOf) => {
    const part = page.split('## ').find((one) => one.startsWith(title)) ?? '';
    const lines = part.split('\n').filter((one) => one.includes(`| \`${encoder}\` |`));
    const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()));
    expect(cells.map((one) => one.slice(one.indexOf(`\`${encoder}\``) + 1, -1))).toEqual(rowsOf(encoder));
  });
});

it.each(KINDS)('SegFace on MobileNetV3-Large is at most 150 dispatches at 512 on %s', (kind) => {
  const config = segFaceConfig(segFaceTensors('mobilenet_v3_large'), 512);
  const plan = makePlan(network(config, { kernels: ROLES[kind] }), ['mask']);
  expect(plan.totals.dispatches).toBeGreaterThan(80);
  expect(plan.totals.dispatches).toBeLessThanOrEqual(150);
});
