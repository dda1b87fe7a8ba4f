/** `plan`: what a frame does, printed; as JSON; and the shaders as they run. Needs no GPU and no weights. */

import { join } from 'node:path';
import { checkedTasks } from '../src/engine/options.ts';
import { outputsOf } from '../src/engine/programs.ts';
import { type Config, tasksOf } from '../src/face/config.ts';
import type { Task } from '../src/face/labels.ts';
import type { Graph } from '../src/graph/graph.ts';
import { makePlan, type Plan } from '../src/graph/plan.ts';
import { planJson, printPlan } from '../src/graph/print.ts';
import { pipelineKey, specialise } from '../src/kernels/kernel.ts';
import { GPUS, ROLES } from '../src/kernels/roles.ts';
import { network } from '../src/model/network.ts';
import { configOf, tensorsOfKind } from '../tools/networks.ts';
import type { Command } from '../tools/terminal/command.ts';
import {
  ENCODER_CHOICE,
  NETWORK_CHOICE,
  parse,
  parseChoice,
  parseEncoder,
  parseKind,
  parseSide,
  parseTasks,
  SIDE_CHOICE,
  UsageError,
} from '../tools/terminal/options.ts';
import { checkOutput, checkOutputFolder, write, writeJson, writtenLine } from '../tools/terminal/write.ts';

const OPTIONS = {
  tasks: { type: 'string' },
  form: { type: 'string' },
  encoder: { type: 'string' },
  network: { type: 'string' },
  side: { type: 'string' },
  json: { type: 'string' },
  wgsl: { type: 'string' },
  dtype: { type: 'string' },
  batch: { type: 'string' },
  gpu: { type: 'string' },
  software: { type: 'boolean' },
} as const;

interface Chosen {
  readonly dtype?: string | undefined;
  readonly batch?: string | undefined;
  readonly gpu?: string | undefined;
  readonly software?: boolean | undefined;
}

/** The network as the options have it. */
async function graphOf(config: Config, tasks: readonly Task[], { dtype = 'f32', batch = '1', gpu, software }: Chosen): Promise<Graph> {
  const images = Number(batch);
  if (!/^[1-8]$/.test(batch)) throw new UsageError(`--batch is ${batch}; it must be a number from 1 to 8.`);
  const type = parseChoice('--dtype', dtype, ['f32', 'f16'] as const);
  const kind = parseChoice('--gpu', gpu ?? 'desktop', GPUS);
  if (software && gpu !== undefined) throw new UsageError('--software is the plan without a GPU; leave out --gpu.');
  const kernels = ROLES[software ? 'subgroup' : kind];
  return network(config, { kernels, images, dtype: type, tasks });
}

export const plan: Command = {
  name: 'plan',
  summary: 'print every dispatch of a frame, with its kernel, grid, buffers and work',
  usage: `plan [--tasks a,b] [--form released|paper] [--dtype f32|f16] [--batch N] [--gpu ${GPUS.join('|')}]
       [--software] [--json FILE] [--wgsl DIR]
       [${ENCODER_CHOICE}]
       [${NETWORK_CHOICE}] [${SIDE_CHOICE}]

  --tasks a,b                only what these need (default: all that the form knows)
  --form released|paper      default: released
  --encoder NAME             default: swin_b
  --network NAME             default: facexformer
  --side N                   of the network's input, a multiple of 32 from 224 to 512 (default: 224, SegFace's 512)
  --dtype f32|f16            how weights and activations are stored (default: f32)
  --batch N                  faces in a frame, 1 to 8 (default: 1)
  --gpu KIND                 the kernels chosen for that kind of GPU; a desktop's is a large one's (default: desktop)
  --software                 the kernels chosen for SwiftShader, the software adapter of Chrome, instead of a GPU's: without --gpu
  --json FILE                per dispatch kernel, node, grid, flops, bytes; totals
  --wgsl DIR                 every shader as it runs, one file a pipeline, named after its kernel`,
  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`plan takes only options; "${positionals[0]}" is not one.`);
    const kind = parseKind(values);
    const config = configOf(tensorsOfKind(kind, { backbone: parseEncoder(values.encoder) }), parseSide(values.side));
    const asked = values.tasks === undefined ? undefined : (parseTasks(values.tasks) as Task[]); // checked next
    const tasks = checkedTasks(asked, tasksOf(config), kind === 'segface' ? 'SegFace' : `the ${kind} form`);
    if (values.json !== undefined) checkOutput(values.json, '--json');
    if (values.wgsl !== undefined) checkOutputFolder(values.wgsl, '--wgsl');
    const made = makePlan(await graphOf(config, tasks, values), outputsOf(tasks, false, config.table));
    console.log(printPlan(made));
    if (values.json !== undefined) writeJson(values.json, planJson(made));
    if (values.wgsl !== undefined) writeShaders(made, values.wgsl);
    const files = Object.entries({ json: values.json, wgsl: values.wgsl }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    if (files.length > 0) console.log(['', ...files.map(([name, path]) => writtenLine(name, path))].join('\n'));
  },
};

/** `matmul.wgsl`, or `matmul-1.wgsl`, `matmul-2.wgsl` where a kernel runs as several pipelines; the first line says which one it is. */
function writeShaders({ dispatches }: Plan, folder: string): void {
  const shaders = new Map<string, Map<string, string>>();
  for (const { kernel, launch } of dispatches) {
    const ofKernel = shaders.get(kernel.name) ?? new Map<string, string>();
    shaders.set(kernel.name, ofKernel.set(pipelineKey(kernel, launch), specialise(kernel, launch)));
  }
  for (const [kernel, pipelines] of shaders)
    [...pipelines].forEach(([key, code], i) => {
      write(join(folder, pipelines.size === 1 ? `${kernel}.wgsl` : `${kernel}-${i + 1}.wgsl`), `// ${key}\n${code}\n`);
    });
}
