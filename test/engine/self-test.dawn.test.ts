/** The self-test on a GPU that computes rightly: it believes every kernel of the table's, which else would give way to others without a word. */
import { expect, it } from 'vitest';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf } from '../../src/face/config.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { makePlan } from '../../src/graph/plan.ts';
import { selfTest } from '../../src/graph/self-test.ts';
import { type Form, tensorsOf } from '../../src/index.ts';
import { ROLES } from '../../src/kernels/roles.ts';
import { network } from '../../src/model/network.ts';
import { openDawn } from '../dawn.ts';

const { device, lacking } = await openDawn('swiftshader', ['subgroups']);

const networks: readonly (readonly [Form, string])[] = [
  ['released', 'swin_b'],
  ['paper', 'mobilenet_v3_large'],
  ['paper', 'resnet101'],
  ['paper', 'convnext_b'],
];

it.skipIf(lacking).for(networks)(`believes the kernels for SwiftShader: %s form, %s${lacking}`, async ([form, backbone]) => {
  const config = readConfig(tensorsOf(form, { backbone }));
  const plan = makePlan(network(config, { kernels: ROLES.subgroup }), outputsOf(tasksOf(config), true));
  expect(await selfTest(new Pipelines(device), plan)).toBeUndefined();
});
