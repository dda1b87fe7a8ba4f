/// <reference types="vite/types/importMeta.d.ts" />
/**
 * Kernels made wrong on purpose, in one place each: a start's self-test has to find them, or the cases against float64. It says which neither finds.
 * `MUTANTS=all` tries every change of every kernel, which takes hours, a number so many of each; `MUTANTS_OF=NAME` those of one kernel. On lavapipe.
 */
import { expect, it, vi } from 'vitest';
import { GpuNetworks } from '../../src/detect/networks.ts';
import { selfTest as selfTestOfDetector } from '../../src/detect/self-test.ts';
import { readWeights } from '../../src/detect/weights.ts';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf } from '../../src/face/config.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { type Dispatch, makePlan, type Plan } from '../../src/graph/plan.ts';
import { selfTest } from '../../src/graph/self-test.ts';
import { type Form, seededCheckpoint, tensorsOf } from '../../src/index.ts';
import type * as Kernels from '../../src/kernels/kernel.ts';
import { pipelineKey } from '../../src/kernels/kernel.ts';
import { ROLES } from '../../src/kernels/roles.ts';
import { network } from '../../src/model/network.ts';
import { mtcnnWeights } from '../../tools/mtcnn.mjs';
import { openDawn } from '../dawn.ts';
import { judge, lacking as lacks } from './judge.ts';
import { mutantsOf } from './mutants.ts';
import type { KernelCase } from './run.ts';

/** The text that is compiled in the place of another. */
const instead = vi.hoisted(() => ({ of: '', text: '' }));

vi.mock('../../src/kernels/kernel.ts', async (original) => {
  const own = await original<typeof Kernels>();
  const withMachine: typeof own.withMachine = (kernel, machine) =>
    own.withMachine(kernel.wgsl === instead.of ? { ...kernel, wgsl: instead.text } : kernel, machine);
  return { ...own, withMachine };
});

const asked = process.env['MUTANTS'];
const EACH = asked === 'all' ? Number.POSITIVE_INFINITY : Number(asked);
const ONLY = process.env['MUTANTS_OF'];

const { device, lacking } = asked
  ? await openDawn('lavapipe', ['subgroups'])
  : { device: undefined as unknown as GPUDevice, lacking: 'not asked' };

const modules = import.meta.glob<Record<string, unknown>>('../../src/kernels/**/*.ts', { eager: true });
const files = import.meta.glob<{ cases: KernelCase[] }>('./*.cases.ts', { eager: true });

/** Every program, by its name. */
const programs = new Map(
  Object.values(modules)
    .flatMap((exports) => Object.values(exports))
    .filter((one): one is Kernels.Kernel<never> => typeof (one as Kernels.Kernel<never>)?.wgsl === 'string')
    .map(({ name, wgsl }) => [name, wgsl]),
);

/** Networks that run all kernels between them, each dispatch that makes a pipeline once: the least of its kind. */
function dispatches(): Dispatch[] {
  const found = new Map<string, Dispatch>();
  const forms: readonly (readonly [Form, string])[] = [
    ['released', 'swin_b'],
    ...['swin_b', 'mobilenet_v3_large', 'resnet101', 'convnext_b'].map((backbone) => ['paper', backbone] as const),
  ];
  for (const [form, backbone] of forms)
    for (const kernels of new Set(Object.values(ROLES))) {
      const config = readConfig(seededCheckpoint(tensorsOf(form, { backbone })).tensors);
      const plan = makePlan(network(config, { kernels }), outputsOf(tasksOf(config), true));
      for (const one of plan.dispatches) {
        const key = pipelineKey(one.kernel, one.launch);
        if (one.launch.macs < (found.get(key)?.launch.macs ?? Number.POSITIVE_INFINITY)) found.set(key, one);
      }
    }
  return [...found.values()].sort((a, b) => a.launch.macs - b.launch.macs);
}

/** What a self-test says of the program that stands in the place of the right one; undefined where it believes it. */
async function saidOf(name: string, tried: readonly Dispatch[]): Promise<string | undefined> {
  try {
    if (/^(convPrelu|averageCrops|proposals)$/.test(name)) {
      const weights = await readWeights(mtcnnWeights());
      const networks = await GpuNetworks.create(device, weights);
      await selfTestOfDetector(device, networks, weights).finally(() => networks.destroy());
      return undefined;
    }
    for (const one of tried) {
      const wrong = await selfTest(new Pipelines(device), { dispatches: [one] } as unknown as Plan);
      if (wrong) return wrong;
    }
    return undefined;
  } catch (error) {
    return FaceXFormerError.from(error).message;
  }
}

/** Whether a program that was changed still is one. */
const isProgram = (said: string | undefined): boolean => !/\.wgsl:|refused/.test(said ?? '');

async function isFoundByCases(name: string): Promise<boolean> {
  for (const one of files[`./${name}.cases.ts`]?.cases ?? []) {
    if (lacks(one, { features: device.features, info: device.adapterInfo } as unknown as GPUAdapter)) continue;
    if ((await judge(device, one)).faults.length > 0) return true;
  }
  return false;
}

const all = lacking ? [] : dispatches();

it.skipIf(lacking).each([...programs].filter(([name]) => !ONLY || name === ONLY))(
  'a wrong %s is found',
  { timeout: 24 * 3_600_000 },
  async (name, wgsl) => {
    const tried = all.filter(({ kernel }) => kernel.name === name);
    const mutants = mutantsOf(wgsl);
    const count = Math.min(mutants.length, EACH);
    const counts = { bySelfTest: 0, byCases: 0, noProgram: 0 };
    const letThrough: string[] = [];
    const late: string[] = [];
    for (let i = 0; i < count; i++) {
      const mutant = mutants[Math.floor(((i + 0.5) * mutants.length) / count)] as (typeof mutants)[number];
      Object.assign(instead, { of: wgsl, text: mutant.text });
      const said = await saidOf(name, tried);
      if (!isProgram(said)) counts.noProgram++;
      else if (said) counts.bySelfTest++;
      else if (await isFoundByCases(name)) {
        counts.byCases++;
        late.push(mutant.what);
      } else letThrough.push(mutant.what);
      Object.assign(instead, { of: '', text: '' });
    }
    console.log(`${name}, ${tried.length} pipelines, ${count} of ${mutants.length}: ${JSON.stringify(counts)}`);
    if (late.length > 0) console.log(`  by cases alone:\n    ${late.join('\n    ')}`);
    if (letThrough.length > 0) console.log(`  let through:\n    ${letThrough.join('\n    ')}`);
    const changed = count - counts.noProgram;
    if (changed > 2) expect(letThrough.length, 'let through').toBeLessThan(changed);
    expect(await saidOf(name, tried), 'the right program').toBeUndefined();
    expect(await isFoundByCases(name), 'the right program').toBe(false);
  },
);
